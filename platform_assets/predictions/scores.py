"""`<model>_scores`: every user of a day, scored by the champion."""

from typing import TYPE_CHECKING

import dagster as dg
import ibis

from platform_assets.domain.contracts.model_tables import scores_contract
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.feature_rows import feature_rows
from platform_assets.table_asset import table_asset
from resources.lakehouse.io_manager import INPUT_MODELS
from resources.model_registry.resource import ModelRegistryResource

if TYPE_CHECKING:
    import pandas as pd

    from resources.model_registry.model_files import LoadedModel


def predictions_assets(spec: ModelSpec, days: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The scores of `spec`, partitioned by the day that is scored."""
    contract = scores_contract(spec)

    @table_asset(
        contract,
        partitions_def=days,
        ins={each.table: dg.AssetIn() for each in spec.features},
        deps=[spec.table("champion")],
        kinds=frozenset({"deltalake", "scikitlearn"}),
        declared=spec.fingerprint,
    )
    def score(
        context: dg.AssetExecutionContext, model_registry: ModelRegistryResource, **feature_tables: ibis.Table
    ) -> ibis.Table:
        """The champion's score of every user with features on the day.

        The champion is looked up once a run, and its files are verified before they are loaded. `in_sample` marks
        days that it has learnt from.
        """
        registry = model_registry.registry
        champion = registry.load(registry.require_champion(spec.name))
        rows = feature_rows(feature_tables, spec, champion.features).to_pandas()
        context.add_output_metadata({INPUT_MODELS: {spec.name: champion.version.version}})
        context.log.info(f"scoring {len(rows)} rows with {champion.version}")
        return ibis.memtable(scored(rows, spec, champion), schema=contract.schema())

    return [score]


def scored(rows: "pd.DataFrame", spec: ModelSpec, champion: "LoadedModel") -> "pd.DataFrame":
    """One row of scores for every row of features, with the version that made them."""
    import pandas as pd

    version = champion.version
    days = pd.to_datetime(rows["feature_date"])
    return pd.DataFrame(
        {
            "event_date": days.dt.date,
            spec.entity: rows[spec.entity],
            "score": champion.score(rows),
            "model_name": version.name,
            "model_version": version.version,
            "trained_until": version.trained_until,
            "in_sample": days <= pd.Timestamp(version.trained_until),
        }
    )
