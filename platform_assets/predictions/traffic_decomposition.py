"""`traffic_decomposition`: trend, seasons, anomalies and the forecast of every series, made in one step.

The computation stands in `platform_assets.domain.traffic`, the promises in its contract.
"""

from datetime import timedelta
from typing import Any

import dagster as dg
import ibis

from platform_assets.automation.conditions import as_inputs_arrive
from platform_assets.domain.contracts.traffic_decomposition import TRAFFIC_DECOMPOSITION
from platform_assets.domain.traffic.forecast_errors import LOOK_BACK_DAYS
from platform_assets.domain.traffic.history import history_of
from platform_assets.domain.traffic.outlook import FEWEST_DAYS, FEWEST_EVENTS
from platform_assets.domain.traffic.panels import SHOWN_DAYS, panels_of_busiest
from platform_assets.domain.traffic.table import DayReport, DecomposedDays
from platform_assets.domain.traffic.traffic_series import enough_events
from platform_assets.partitions import day_keys, days_around, run_days
from platform_assets.table_asset import table_asset
from resources.compute.engine import Engine
from resources.lakehouse.io_manager import DeltaIOManager, Evidence
from resources.pictures import Pictures

_NAME = TRAFFIC_DECOMPOSITION.name


def traffic_decomposition_asset(event_days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `traffic_decomposition`."""
    ins = {"traffic_series": dg.AssetIn(partition_mapping=days_around(before=LOOK_BACK_DAYS, after=0))}

    @table_asset(TRAFFIC_DECOMPOSITION, partitions_def=event_days, ins=ins, automation=as_inputs_arrive())
    def traffic_decomposition(
        context: dg.AssetExecutionContext,
        traffic_series: ibis.Table,
        engine: dg.ResourceParam[Engine],
        lakehouse: dg.ResourceParam[DeltaIOManager],
        pictures: Pictures,
    ) -> tuple[ibis.Table, Evidence]:
        """Every series' hours of the day, taken apart into trend, day season, week season and residual, with anomalies;
        and its next seven days, forecast with 90 % intervals.

        Trained and estimated in one step from the 70 days up to the day. With fewer than 14 days of history there are
        no rows, with fewer than 19 no scores, with fewer than 21 (next day) to 27 (seventh day) no intervals; the
        metadata say how many there are. Hours without the collector are gaps.
        """
        first, last = run_days(context)
        counts = enough_events(traffic_series, FEWEST_EVENTS).select("series", "hour_at", "events").to_pyarrow()
        days = DecomposedDays(history_of(counts, first - timedelta(days=LOOK_BACK_DAYS), last), first, last)
        rows = engine.from_arrow(_NAME, days.reader(), lambda: days.failure)

        def evidence() -> dict[str, dict[str, Any]]:
            shown = {day.isoformat(): _described(report) for day, report in days.reports.items()}
            shown_days = day_keys(last - timedelta(days=SHOWN_DAYS - 1), last)
            published = lakehouse.published_rows(_NAME, shown_days)
            drawn = panels_of_busiest(published.filter(published.event_date <= last))
            shown[last.isoformat()] |= pictures.keep(_NAME, last.isoformat(), drawn)
            return shown

        return rows, evidence

    return traffic_decomposition


def _described(report: DayReport) -> dict[str, Any]:
    """A day's figures for the UI, and why there is nothing where there is nothing."""
    described: dict[str, Any] = {
        "history_days": report.history_days,
        "series": report.series,
        "gap_hours": report.gap_hours,
        "anomalies": len(report.runs),
    }
    if report.history_days < FEWEST_DAYS:
        described["no_rows_because"] = f"{report.history_days} days of history, at least {FEWEST_DAYS} are needed"
    if report.runs:
        columns = ("series", "first_hour", "last_hour", "score")
        records = [dg.TableRecord(dict(zip(columns, run, strict=True))) for run in report.runs[:50]]
        schema = dg.TableSchema(columns=[dg.TableColumn(name) for name in columns])
        described["most_extreme_anomalies"] = dg.MetadataValue.table(records, schema=schema)
    return described
