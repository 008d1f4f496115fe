"""The model `lookalike`: who will join a seed audience, and by whom the seed is expanded.

One declaration is one seed; any audience of an audience table can be one.
"""

from platform_assets.domain.contracts.user_features import FEATURE_NAMES, USER_FEATURES
from platform_assets.domain.label_rules import AudienceLabel
from platform_assets.domain.lookalike import Lookalike
from platform_assets.domain.model_spec import FeatureColumns, ModelSpec
from platform_assets.domain.modelling.candidates import logistic_or_boosting, logistic_or_boosting_space


def lookalike(seed: AudienceLabel, size: int, name: str) -> Lookalike:
    """The lookalike `name` of a seed audience, expanded to `size` persons."""
    model = ModelSpec(
        name=name,
        description=f"How likely a person is to join the audience {seed.audience} of {seed.table} within the next "
        f"{seed.horizon_days} days, to find those who resemble its members.",
        owner="team:data-platform",
        features=(FeatureColumns(USER_FEATURES.name, FEATURE_NAMES),),
        label=seed,
        estimator=logistic_or_boosting,
        search_space=logistic_or_boosting_space,
    )
    return Lookalike(model=model, size=size)


LOOKALIKE = lookalike(
    AudienceLabel("url_audiences", "buyers", horizon_days=7, maturity_days=8), size=250, name="lookalike"
)
