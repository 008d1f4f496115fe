"""Which feature tables there are, by name: a `ModelSpec` may read columns of any of them."""

from platform_assets.domain.contracts.user_features import USER_FEATURES

FEATURE_TABLES = {contract.name: contract for contract in (USER_FEATURES,)}
"""The contracts whose rows are one entity on one day."""
