"""A small world for model tests: a spec, and training rows whose labels follow a planted chance."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from platform_assets.domain.label_rules import LabelRule
from platform_assets.domain.model_spec import FeatureColumns, ModelSpec

TRAINING_DATE = date(2026, 3, 1)


def logistic(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    return Pipeline([("scale", StandardScaler()), ("classify", LogisticRegression(random_state=seed))])


def small_space(seed: int) -> Sequence[Mapping[str, Sequence[Any]]]:
    return [{"classify__C": [0.1, 1.0]}]


def small_spec(**changes: Any) -> ModelSpec:
    """A model that trains in a blink; `changes` replace its fields; `features` names columns of user_features."""
    columns = changes.pop("features", ("visits", "carts", "noise"))
    fields: dict[str, Any] = {
        "name": "conversion",
        "description": "Who will buy within a week.",
        "owner": "team:growth",
        "features": (FeatureColumns("user_features", columns),),
        "label": LabelRule("purchase", horizon_days=7, maturity_days=8),
        "estimator": logistic,
        "search_space": small_space,
        "folds": 2,
    }
    return ModelSpec(**{**fields, **changes})


def training_rows(
    spec: ModelSpec, training_date: date = TRAINING_DATE, *, users: int = 300, signal: float = 1.0, seed: int = 1
) -> pd.DataFrame:
    """A training set in which `visits` and `carts` raise the chance of a label by `signal`, and `noise` doesn't."""
    random = np.random.default_rng(seed)
    days = spec.feature_days(training_date)
    size = users * len(days)
    visits, carts = random.poisson(3.0, size).astype(float), random.poisson(1.0, size).astype(float)
    chance = 1 / (1 + np.exp(-(signal * (0.5 * (visits - 3) + (carts - 1)) - 1.0)))
    return pd.DataFrame(
        {
            "training_date": training_date,
            "feature_date": np.repeat(np.array(days, dtype=object), users),
            "user_id": np.tile([f"u{number:04d}" for number in range(users)], len(days)),
            "label": (random.random(size) < chance).astype("int8"),
            "visits": visits,
            "carts": carts,
            "noise": random.normal(size=size),
        }
    )
