"""Estimators and search spaces that specs may name: functions of a seed, scikit-learn imported when they are called.

Two families that fail differently: a linear model on the logarithm of counts, boosted trees on them as they are, and
the mean of both.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def logistic_or_boosting(seed: int) -> "Pipeline":
    """The pipeline that `logistic_or_boosting_space` searches over: prepare the columns, then classify."""
    from sklearn.pipeline import Pipeline

    return Pipeline([("prepare", "passthrough"), ("classify", _logistic(seed))])


def logistic_or_boosting_space(seed: int) -> Sequence[Mapping[str, Sequence[Any]]]:
    """A small grid: it is fitted for every fold, and counts of a few weeks don't hold more detail than that."""
    return [
        {"prepare": [_log_and_scale()], "classify": [_logistic(seed)], "classify__C": [0.003, 0.03]},
        {"prepare": [_missing_below_known()], "classify": [_boosting(seed)], "classify__max_leaf_nodes": [6]},
        {"prepare": [_log_and_scale()], "classify": [_mean_of_both(seed)]},
    ]


def _missing_below_known() -> Any:
    from sklearn.impute import SimpleImputer

    # Boosting can't bin a column of which no value is known: of categories, say, where no map of domains is declared.
    return SimpleImputer(strategy="constant", fill_value=-1e18, keep_empty_features=True)


def _log_and_scale() -> "Pipeline":
    import numpy as np
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    # A missing recency means "never": the indicator keeps that apart from the median it is filled with.
    return Pipeline(
        [
            ("log", FunctionTransformer(np.arcsinh, feature_names_out="one-to-one")),
            ("fill", SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)),
            ("scale", StandardScaler()),
        ]
    )


def _logistic(seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.003, max_iter=500, random_state=seed)


def _boosting(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    # Rows of one person repeat each other: leaves must hold many to hold several persons.
    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=100,
        max_leaf_nodes=6,
        min_samples_leaf=400,
        l2_regularization=10.0,
        early_stopping=False,
        random_state=seed,
    )


def _mean_of_both(seed: int) -> Any:
    from sklearn.ensemble import VotingClassifier

    # Trees see the columns as the linear model does: order is all they look at, and it also hands them row weights.
    return VotingClassifier([("linear", _logistic(seed)), ("trees", _boosting(seed))], voting="soft")
