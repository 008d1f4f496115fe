"""The model `conversion`: who will buy within a week."""

from platform_assets.domain.contracts.user_features import FEATURE_NAMES, USER_FEATURES
from platform_assets.domain.label_rules import LabelRule
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.candidates import logistic_or_boosting, logistic_or_boosting_space

CONVERSION = ModelSpec(
    name="conversion",
    description="How likely a person is to buy within the next seven days, to decide whom a campaign should reach.",
    owner="team:data-platform",
    feature_table=USER_FEATURES.name,
    features=FEATURE_NAMES,
    # Seven days, the first of which is the day itself, and two more in which events may still land.
    label=LabelRule("purchase", horizon_days=7, maturity_days=8),
    estimator=logistic_or_boosting,
    search_space=logistic_or_boosting_space,
    training_window_days=42,
    training_step_days=2,
    holdout_days=7,
)
