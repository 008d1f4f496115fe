"""How a scikit-learn estimator is asked: what it takes by name, and its scores as named columns.

Imports nothing of the platform, because the process of imported code loads this file too.
"""

from typing import Any

SCORE = "score"


def input_names(model: Any) -> tuple[str, ...] | None:
    """The columns that the estimator was fitted on, None where it doesn't name them."""
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else tuple(map(str, names))


def input_count(model: Any) -> int | None:
    """How many columns the estimator takes, None where it doesn't say."""
    count = getattr(model, "n_features_in_", None)
    return None if count is None else int(count)


def predicted(model: Any, frame: Any) -> Any:
    """The outputs for a frame: chances where the model gives them, else decisions, else predictions.

    One thread computes them: a forest that sums its trees in the order in which threads end gives other last digits.
    """
    import joblib
    import threadpoolctl

    method = next(name for name in ("predict_proba", "decision_function", "predict") if hasattr(model, name))
    # An estimator that was fitted without names warns of them; any other object is given the frame as it is.
    nameless = input_names(model) is None and input_count(model) is not None
    given = frame.to_numpy() if nameless else frame
    with joblib.parallel_config(backend="sequential"), threadpoolctl.threadpool_limits(1):
        values = getattr(model, method)(given)
    return as_outputs(values, getattr(model, "classes_", None))


def as_outputs(values: Any, classes: Any = None) -> Any:
    """Named columns of what a model returned: `score`, or one `score_<class>` each where there are three or more.

    Of two columns the second is the score, the chance of the positive class.
    """
    import numpy as np
    import pandas as pd

    if isinstance(values, pd.DataFrame):
        named = values.reset_index(drop=True)
        return named.set_axis([SCORE], axis=1) if named.shape[1] == 1 else named
    array = np.asarray(values)
    if array.ndim == 1 or array.shape[1] == 1:
        return pd.DataFrame({SCORE: array.reshape(-1)})
    if array.shape[1] == 2:
        return pd.DataFrame({SCORE: array[:, 1]})
    names = range(array.shape[1]) if classes is None or len(classes) != array.shape[1] else classes
    return pd.DataFrame({f"{SCORE}_{name}": array[:, place] for place, name in enumerate(names)})
