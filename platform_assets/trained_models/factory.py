"""The assets of this stage for one spec."""

from collections.abc import Mapping

import dagster as dg

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.contracts.model_tables import training_set_contract
from platform_assets.domain.imported_models.declaration import is_imported
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.trained_models.champion import champion_asset
from platform_assets.trained_models.imported_model import imported_model_asset
from platform_assets.trained_models.model import model_asset
from platform_assets.trained_models.training_set import training_set_asset
from resources.search_workers import SearchWorkers


def trained_models_assets(
    spec: ModelSpec,
    features: Mapping[str, Contract],
    days: dg.DailyPartitionsDefinition,
    workers: SearchWorkers | None = None,
    ui_url: str = "",
) -> list[dg.AssetsDefinition]:
    """Training set, model and champion of `spec`.

    `features` are the contracts of the feature tables there are, by name; `workers` fit the candidates of a search,
    one after the other in the step's own process where none are given. `ui_url` is the address of Dagster's UI, which
    registered versions name. An imported model isn't trained.
    """
    trained_here = not is_imported(spec)
    return [
        training_set_asset(spec, features, days),
        model_asset(spec, days, workers or SearchWorkers(), ui_url) if trained_here else imported_model_asset(spec),
        champion_asset(spec, training_set_contract(spec, features)),
    ]
