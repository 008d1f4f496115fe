"""The model of a bank's calls: who agrees when called. How it was chosen, and what else was tried.

A call is an entity of its own, and its outcome is known on the day. Days have 1 to 800 calls, so two weeks are held
out: the gate needs 30 positive rows, and quiet weeks have hardly 15. Ninety days are learnt from, because the economy's
figures change by the month, and fewer than three of them tell no slope from a level. After a change, two weeks of days
from after it must be there to learn from, and trainings lie two weeks apart. Regularisation is searched for; trees were
left out, because of a training set of 1,000 rows they learn the calendar from the economy's figures.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from platform_assets.domain.label_rules import LabelRule
from platform_assets.domain.model_policies import RetrainPolicy
from platform_assets.domain.model_spec import FeatureColumns, ModelSpec
from platform_assets.domain.training_windows import Trailing, TrainingWindow

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

START = date(2008, 7, 31)
"""The end of the first three months: every policy's first training."""


def linear(seed: int) -> "Pipeline":
    """A logistic regression on scaled columns, missing ones filled with an indicator beside them."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    return Pipeline(
        [
            ("fill", SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)),
            ("scale", StandardScaler()),
            ("classify", LogisticRegression(max_iter=500, random_state=seed)),
        ]
    )


def linear_space(seed: int) -> Sequence[Mapping[str, Sequence[Any]]]:
    """Strong, middle and weak regularisation."""
    return [{"classify__C": [0.001, 0.01, 0.1]}]


def bank_spec(
    features: tuple[str, ...],
    *,
    window: TrainingWindow | None = None,
    holdout_days: int = 14,
    wait_days: int = 14,
    metric: str = "auc",
    on_drift: bool = True,
) -> ModelSpec:
    """The spec; `wait_days` after a change until it is learned, and between two trainings."""
    return ModelSpec(
        name="bank_calls",
        description="Which persons agree to a deposit when they are called.",
        owner="team:data-platform",
        entity="call_id",
        features=(FeatureColumns("bank_calls", features),),
        label=LabelRule("deposit", horizon_days=1, maturity_days=0),
        estimator=linear,
        search_space=linear_space,
        metric=metric,
        window=window or Trailing(days=90, step_days=1),
        holdout_days=holdout_days,
        retraining=RetrainPolicy(learnable_days=wait_days, cooldown_days=wait_days, on_drift=on_drift),
    )
