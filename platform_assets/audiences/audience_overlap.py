"""`audience_overlap`: how many persons audiences have in common.

The computation stands in `platform_assets.domain.audience_reports.overlap`, the promises in its contract.
"""

from typing import Any

import dagster as dg
import ibis

from platform_assets.audiences.audience_tables import audience_deps, published_members
from platform_assets.automation.conditions import as_inputs_arrive
from platform_assets.domain.audience_reports.overlap import audience_overlap as overlap_of
from platform_assets.domain.audience_reports.overlap import audience_sizes
from platform_assets.domain.contracts.audience_overlap import AUDIENCE_OVERLAP, MOST_AUDIENCES
from platform_assets.partitions import run_days
from platform_assets.table_asset import table_asset
from resources.lakehouse.io_manager import DeltaIOManager, Evidence
from resources.pictures import Pictures

DAYS_BEFORE = 1
"""Members of the day before are compared: those known when the day begins."""


def audience_overlap_asset(event_days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `audience_overlap`."""

    @table_asset(
        AUDIENCE_OVERLAP, partitions_def=event_days, deps=audience_deps(DAYS_BEFORE), automation=as_inputs_arrive()
    )
    def audience_overlap(
        context: dg.AssetExecutionContext, lakehouse: dg.ResourceParam[DeltaIOManager], pictures: Pictures
    ) -> tuple[ibis.Table, Evidence]:
        """How many persons two audiences have in common when a day begins: a row for each pair, from both sides.

        Pairs without a common member have no row; the 100 largest audiences of a day are compared, and the metadata
        says how many there are.
        """
        members = published_members(context, lakehouse, DAYS_BEFORE)
        sizes = audience_sizes(members, *run_days(context))
        return overlap_of(members, *run_days(context)), lambda: _evidence(lakehouse, pictures, sizes)

    return audience_overlap


def _evidence(lakehouse: DeltaIOManager, pictures: Pictures, sizes: ibis.Table) -> dict[str, dict[str, Any]]:
    """How many audiences there are on every day and how many are compared, and the newest day as a picture."""
    from platform_assets.domain.audience_reports.pictures import overlap_picture

    largest = sizes.to_pandas()
    counts = largest.groupby(largest.event_date.astype(str).str[:10]).size()
    found: dict[str, dict[str, Any]] = {
        day: {"audiences": int(count), "audiences_compared": min(int(count), MOST_AUDIENCES)}
        for day, count in counts.items()
    }
    if found:
        newest = max(found)
        rows = lakehouse.published_rows(AUDIENCE_OVERLAP.name, [newest]).to_pandas()
        of_day = largest[largest.event_date.astype(str).str[:10] == newest]
        drawn = overlap_picture(rows, of_day, f"Who belongs to which other audience, {newest}")
        found[newest] |= pictures.keep(AUDIENCE_OVERLAP.name, newest, {"overlap": drawn})
    return found
