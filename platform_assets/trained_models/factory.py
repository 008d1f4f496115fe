"""The assets of this stage for one spec."""

import dagster as dg

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.trained_models.champion import champion_asset
from platform_assets.trained_models.model import model_asset
from platform_assets.trained_models.training_set import training_set_asset


def trained_models_assets(
    spec: ModelSpec, features: Contract, days: dg.DailyPartitionsDefinition
) -> list[dg.AssetsDefinition]:
    """Training set, model and champion of `spec`, whose columns come from the feature table `features`."""
    return [training_set_asset(spec, features, days), model_asset(spec, days), champion_asset(spec)]
