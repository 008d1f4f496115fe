"""The pipeline that a search fits: each fit weighs its rows by their age, on one thread.

This module imports scikit-learn when it is imported; import it where a model is fitted.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from platform_assets.domain.training_windows import TrainingWindow


class WindowPipeline(Pipeline):
    """A pipeline whose rows count as a training window says; what is searched for are parameters of its steps.

    Ages are counted from the newest row of each fit, so that the folds of a long window weigh their rows alike.
    """

    def __init__(  # scikit-learn's clone wants every parameter of the base class named
        self,
        steps: list[tuple[str, Any]],
        *,
        window: TrainingWindow,
        transform_input: list[str] | None = None,
        memory: Any = None,
        verbose: bool = False,
    ) -> None:
        super().__init__(steps, transform_input=transform_input, memory=memory, verbose=verbose)
        self.window = window

    def fit(self, X: pd.DataFrame, y: npt.ArrayLike, *, days: npt.NDArray[np.datetime64]) -> "WindowPipeline":
        """Fits the steps; `days` are the feature days of the rows."""
        weights = self.window.weights((days.max() - days) / np.timedelta64(1, "D"))
        given = {} if weights is None else {f"{self.steps[-1][0]}__sample_weight": weights}
        # One thread: beside other work, threads that wait for each other made a search three times slower, and sums
        # over threads differ in their last bits.
        with threadpool_limits(limits=1):
            super().fit(X, y, **given)
        return self

    def plain(self) -> Pipeline:
        """The fitted steps as a pipeline that knows nothing of training."""
        return Pipeline(self.steps)
