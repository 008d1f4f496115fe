"""`<lookalike>_audience`: a seed audience, expanded by the persons who resemble its members most.

Who is chosen and what is to be expected of them stands in `platform_assets.domain.lookalike`.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import ibis

from platform_assets.automation.conditions import as_inputs_arrive
from platform_assets.domain.contracts.lookalike_audience import lookalike_audience_contract
from platform_assets.domain.errors import PlatformError
from platform_assets.domain.lookalike import Lookalike, non_members, require_members
from platform_assets.partitions import trailing_days
from platform_assets.table_asset import table_asset
from resources.lakehouse.io_manager import DeltaIOManager, Evidence
from resources.model_registry.resource import ModelRegistryResource
from resources.pictures import Pictures

if TYPE_CHECKING:
    from platform_assets.domain.modelling.expansion import CalibratedModel, Expansion
    from resources.model_registry.model_files import LoadedModel


class NothingToCalibrateOn(PlatformError):
    """The training set of a model that has scored is gone."""


def lookalike_audience_asset(lookalike: Lookalike, days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The expansion of a lookalike's seed, partitioned by the day that begins."""
    spec, seed_label = lookalike.model, lookalike.seed
    contract = lookalike_audience_contract(lookalike)
    ins = {
        "scores": dg.AssetIn(spec.table("scores")),
        "seed": dg.AssetIn(seed_label.table, partition_mapping=trailing_days(1)),
    }
    kinds = frozenset({"deltalake", "scikitlearn"})

    @table_asset(
        contract,
        partitions_def=days,
        ins=ins,
        kinds=kinds,
        declared=f"{spec.fingerprint} {lookalike.size}",
        automation=as_inputs_arrive(),
    )
    def expand(
        context: dg.AssetExecutionContext,
        scores: ibis.Table,
        seed: ibis.Table,
        lakehouse: dg.ResourceParam[DeltaIOManager],
        model_registry: ModelRegistryResource,
        pictures: Pictures,
    ) -> tuple[ibis.Table, Evidence]:
        """The best-scored persons outside of the seed audience, with the precision to be expected of every size.

        What a score is worth is learnt from days that the model was held out from, for persons outside of the seed.
        """
        import pandas as pd

        from platform_assets.domain.modelling.expansion import expansions

        members, registry = seed_label.members(seed), model_registry.registry
        require_members([date.fromisoformat(key) for key in context.partition_keys], members, lookalike)
        scored = non_members(scores, members, day="event_date").to_pandas()
        versions = [registry.version(spec.name, int(number)) for number in sorted(scored["model_version"].unique())]
        models = {each.version: _calibrated(context, lakehouse, lookalike, registry.load(each)) for each in versions}
        found = list(expansions(scored, models, lookalike))
        context.log.info(f"{len(found)} day(s) expanded by {', '.join(map(str, versions))}")
        rows = pd.concat([each.rows for each in found]) if found else pd.DataFrame(columns=contract.column_names)
        return ibis.memtable(rows, schema=contract.schema()), lambda: _shown(found, lookalike, pictures)

    return expand


def _calibrated(
    context: dg.AssetExecutionContext, lakehouse: DeltaIOManager, lookalike: Lookalike, model: "LoadedModel"
) -> "CalibratedModel":
    """What the model's scores are worth outside of the seed, on the days that it was held out from.

    The model's own training set tells: it is read beside the inputs, for which version that is only the scores know.
    """
    from platform_assets.domain.modelling.expansion import calibrated_model

    version, table = model.version, lookalike.model.table("training_set")
    rows = lakehouse.read_beside_inputs(context, table, [version.training_date.isoformat()])
    if rows is None:
        raise NothingToCalibrateOn(
            f"{version} can't be calibrated without it", where=table, todo=f"materialise {version.training_date} of it"
        )
    held_out = rows.filter(rows.feature_date > ibis.literal(version.trained_until))
    days = held_out.select("feature_date").distinct().to_pyarrow()["feature_date"].to_pylist()
    days_before = [(day - timedelta(days=1)).isoformat() for day in sorted(days)]
    members = lookalike.seed.members(lakehouse.read_beside_inputs(context, lookalike.seed.table, days_before))
    require_members(days, members, lookalike)
    outside = non_members(held_out, members, day="feature_date").to_pandas().sort_values(["feature_date", "user_id"])
    return calibrated_model(outside, model.score(outside), lookalike)


def _shown(found: Sequence["Expansion"], lookalike: Lookalike, pictures: Pictures) -> dict[str, dict[str, Any]]:
    """The figures of every day, and the picture of the newest."""
    from platform_assets.domain.modelling.expansion_picture import expansion_picture

    metadata: dict[str, dict[str, Any]] = {each.day.isoformat(): dict(each.figures) for each in found}
    for newest in found[-1:]:
        drawn = {"expansion": expansion_picture(newest, lookalike.seed.audience)}
        metadata[newest.day.isoformat()] |= pictures.keep(lookalike.table, newest.day.isoformat(), drawn)
    return metadata
