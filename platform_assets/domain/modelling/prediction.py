"""A fitted pipeline's scores, the same for a row whichever rows are scored beside it.

Linear algebra adds the products of a row in another order in a small batch than in a large one, and with several
threads than with one: last bits would differ between a day that is scored alone and within a range. Rows are therefore
scored in whole blocks on one thread, the last block filled up with copies.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

BLOCK = 64
"""A multiple of the rows that any kernel of the linear algebra takes at once."""


def predict(pipeline: "Pipeline", rows: pd.DataFrame) -> npt.NDArray[np.float64]:
    """The probability of a positive label; none for no rows, which scikit-learn refuses."""
    from threadpoolctl import threadpool_limits

    count = len(rows)
    if not count:
        return np.empty(0)
    filled = np.r_[0:count, np.zeros(-count % BLOCK, dtype=np.intp)]
    # Row by row in memory: which way a table lies also decides in what order it is added up.
    values = np.ascontiguousarray(rows.to_numpy(dtype=np.float64)[filled])
    whole = pd.DataFrame(values, columns=rows.columns)
    with threadpool_limits(limits=1):
        scores: npt.NDArray[np.float64] = pipeline.predict_proba(whole)[:count, 1]
    return scores
