"""What a first champion must beat: scores that need no model."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.quality import auc

Floats = npt.NDArray[np.float64]


def baselines(search: pd.DataFrame, holdout: pd.DataFrame, spec: ModelSpec) -> dict[str, Floats]:
    """Chances on the holdout by name: the base rate, and a logistic regression on one feature.

    That feature is the one that ranks the search rows best. Both have learnt from the search rows alone.
    """
    labels = search["label"].to_numpy(dtype=np.float64)
    best = _best_feature(search, labels, spec)
    return {
        "a constant": np.full(len(holdout), labels.mean()),
        f"the single feature {best}": _one_feature(search[best], labels, holdout[best], spec.seed),
    }


def _best_feature(search: pd.DataFrame, labels: Floats, spec: ModelSpec) -> str:
    ranks = {name: auc(labels, _inputs(search[name], search[name])[:, 0]) for name in spec.feature_names}
    return max(ranks, key=lambda name: (abs(ranks[name] - 0.5), name))


def _one_feature(known: pd.Series, labels: Floats, asked: pd.Series, seed: int) -> Floats:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(random_state=seed))
    chances: Floats = model.fit(_inputs(known, known), labels).predict_proba(_inputs(known, asked))[:, 1]
    return chances


def _inputs(known: pd.Series, asked: pd.Series) -> Floats:
    """Two columns: the values, missing ones below everything known, and whether they are missing."""
    values = asked.astype("float64").to_numpy()
    lowest = known.astype("float64").min()
    missing = ~np.isfinite(values)
    return np.column_stack([np.where(missing, (lowest if np.isfinite(lowest) else 0.0) - 1, values), missing])
