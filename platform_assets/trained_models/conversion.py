"""The model `conversion`: who will buy within a week."""

from platform_assets.domain.contracts.user_features import FEATURE_NAMES, USER_FEATURES
from platform_assets.domain.label_rules import LabelRule
from platform_assets.domain.model_spec import FeatureColumns, ModelSpec
from platform_assets.domain.modelling.candidates import logistic_or_boosting, logistic_or_boosting_space
from platform_assets.domain.training_windows import AllWithDecay

CONVERSION = ModelSpec(
    name="conversion",
    description="How likely a person is to buy within the next seven days, to decide whom a campaign should reach.",
    owner="team:data-platform",
    features=(FeatureColumns(USER_FEATURES.name, FEATURE_NAMES),),
    # Seven days, the first of which is the day itself, and two more in which events may still land.
    label=LabelRule("purchase", horizon_days=7, maturity_days=8),
    estimator=logistic_or_boosting,
    search_space=logistic_or_boosting_space,
    # While nothing changes as good as six weeks that count alike, and the first to know when something does.
    window=AllWithDecay(half_life_days=7),
    holdout_days=7,
)
