"""`model_costs`: what every model cost on a day of the calendar, by stage, from the seconds of the steps."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import dagster as dg
import ibis

from platform_assets.domain.contracts.model_costs import MODEL_COSTS
from platform_assets.domain.model_costs import charges_of, day_bounds, model_costs
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.partitions import run_days
from platform_assets.table_asset import stage_of, table_asset
from resources.lakehouse.io_manager import Evidence
from resources.run_history import work_between


def model_costs_asset(
    assets: Iterable[dg.AssetsDefinition],
    specs: Sequence[ModelSpec],
    calendar: dg.DailyPartitionsDefinition,
    cost_per_hour: float,
) -> dg.AssetsDefinition:
    """The asset over the work on `assets` and on itself."""
    groups = {key.path[-1]: group for made in assets for key, group in made.group_names_by_key.items()}
    charges = charges_of({**groups, MODEL_COSTS.name: stage_of(__name__)}, specs)

    @table_asset(MODEL_COSTS, partitions_def=calendar, kinds=frozenset({"deltalake"}), declared=str(cost_per_hour))
    def costs(context: dg.AssetExecutionContext) -> tuple[ibis.Table, Evidence]:
        """Seconds of every attempt of a step, also of failed ones, at PLATFORM_COST_PER_HOUR, by model and stage.

        What several models share (events, features, their checks) is the model `shared`, by stage folder. Days are
        those on which the seconds were spent; for a day that is over the same rows come at any time.
        """
        first, last = run_days(context)
        work, now = work_between(context.instance, *day_bounds(first, last)), datetime.now(UTC)
        rows = model_costs(work.attempts, work.published, charges, first, last, until=now, cost_per_hour=cost_per_hour)
        by_day = rows.astype({"run_date": str}).groupby("run_date")[["seconds", "cost"]].sum()
        table = ibis.memtable(rows[list(MODEL_COSTS.column_names)], schema=MODEL_COSTS.schema())
        return table, lambda: by_day.to_dict("index")

    return costs
