"""`audience_report`: how large audiences are, how active, how they grow and how much likelier their members convert.

The computation stands in `platform_assets.domain.audience_reports.report`, the promises in its contract.
"""

from typing import Any

import dagster as dg
import ibis

from platform_assets.audiences.audience_tables import audience_deps, published_members
from platform_assets.automation.conditions import as_inputs_arrive
from platform_assets.domain.audience_reports.conversion import Conversion
from platform_assets.domain.audience_reports.report import audience_report as report_of
from platform_assets.domain.contracts.audience_report import AUDIENCE_REPORT, POPULATION_DAYS
from platform_assets.partitions import days_around, run_days
from platform_assets.table_asset import table_asset
from resources.lakehouse.io_manager import DeltaIOManager, Evidence
from resources.pictures import Pictures

DAYS_BEFORE = 2
"""Members of the day before are reported; who entered and left, against those of the day before that."""


def audience_report_asset(conversion: Conversion, event_days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `audience_report`; what counts as a conversion is declared."""
    window = dg.AssetIn(partition_mapping=days_around(before=POPULATION_DAYS, after=0))

    @table_asset(
        AUDIENCE_REPORT,
        partitions_def=event_days,
        ins={"events": window, "user_ids": window},
        deps=audience_deps(DAYS_BEFORE),
        declared=repr(conversion),
        automation=as_inputs_arrive(),
    )
    def audience_report(
        context: dg.AssetExecutionContext,
        lakehouse: dg.ResourceParam[DeltaIOManager],
        pictures: Pictures,
        events: ibis.Table,
        user_ids: ibis.Table,
    ) -> tuple[ibis.Table, Evidence]:
        """Reach, frequency, recency and growth of every audience, and the odds ratio of conversion: a row a day.

        Members are those known when the day begins; they are compared with everybody else who was active in the 28
        days before. The interval is exact (mid-p), so that it holds for few members as well; where one side is empty
        there is none, and the reason is told.
        """
        members = published_members(context, lakehouse, DAYS_BEFORE)
        report = report_of(members, events, user_ids, conversion, *run_days(context))
        return report, lambda: _evidence(lakehouse, pictures, context.partition_keys)

    return audience_report


def _evidence(lakehouse: DeltaIOManager, pictures: Pictures, keys: list[str]) -> dict[str, dict[str, Any]]:
    """Figures of every day that the UI plots over days, and the odds ratios of the newest day as a picture."""
    from platform_assets.domain.audience_reports.pictures import odds_ratio_picture

    report = lakehouse.published_rows(AUDIENCE_REPORT.name, keys)
    by_day = report.group_by("event_date").aggregate(
        audiences=report.count(),
        population=report.population.max(),
        converted=(report.converted_members + report.converted_others).max(),
        without_odds_ratio=report.no_odds_ratio.count(),
        clearly_likelier=report.count(where=report.odds_ratio_low > 1),
    )
    found = {str(row.pop("event_date")): row for row in by_day.to_pyarrow().to_pylist()}
    if found:
        newest = max(found)
        rows = report.filter(report.event_date == ibis.date(newest)).to_pandas()
        drawn = odds_ratio_picture(rows, f"Who converts on {newest}")
        found[newest] |= pictures.keep(AUDIENCE_REPORT.name, newest, {"odds_ratios": drawn})
    return found
