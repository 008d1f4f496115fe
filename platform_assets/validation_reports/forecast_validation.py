"""`forecast_validation`: what became of the forecasts for a day."""

from typing import Any

import dagster as dg
import ibis

from platform_assets.automation.conditions import as_inputs_arrive
from platform_assets.domain.contracts.forecast_validation import FORECAST_VALIDATION
from platform_assets.domain.traffic.forecast_validation import WEEK_DAYS, validated_days
from platform_assets.domain.traffic.forecast_validation import forecast_validation as validation_of
from platform_assets.partitions import days_around, run_days
from platform_assets.table_asset import table_asset
from resources.lakehouse.io_manager import DeltaIOManager, Evidence

LOWEST_COVERAGE, HIGHEST_COVERAGE = 0.85, 0.95
CHECKED_DAYS = 28
"""The check looks at the last so many validated days: the coverage of a single day says little."""


def forecast_validation_asset(event_days: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset `forecast_validation`."""
    ins = {"traffic_decomposition": dg.AssetIn(partition_mapping=days_around(before=WEEK_DAYS, after=0))}

    @table_asset(FORECAST_VALIDATION, partitions_def=event_days, ins=ins, automation=as_inputs_arrive())
    def forecast_validation(
        context: dg.AssetExecutionContext,
        traffic_decomposition: ibis.Table,
        lakehouse: dg.ResourceParam[DeltaIOManager],
    ) -> tuple[ibis.Table, Evidence]:
        """Forecasts of the seven days before against the day: their error beside that of the same hour a week before,
        and how many hours lay within the 90 % intervals.

        Gaps are left out. A day has no rows before forecasts for it and the week before were made.
        """
        rows = validation_of(traffic_decomposition, *run_days(context))

        def evidence() -> dict[str, dict[str, Any]]:
            return _figures_to_plot(lakehouse.published_rows(FORECAST_VALIDATION.name, context.partition_keys))

        return rows, evidence

    return forecast_validation


def _figures_to_plot(published: ibis.Table) -> dict[str, dict[str, Any]]:
    """Coverage, and share of series that beat the naive forecast, of every validated day."""
    days = validated_days(published).to_pyarrow().to_pylist()
    return {
        day["event_date"].isoformat(): {
            name: value for name, value in day.items() if name != "event_date" and value is not None
        }
        for day in days
    }


def interval_coverage_check() -> dg.AssetChecksDefinition:
    """A check that the 90 % intervals of the last validated days hold 85 to 95 % of what came."""

    @dg.asset_check(
        asset=FORECAST_VALIDATION.name,
        name="interval_coverage",
        description=f"The 90 % intervals of the last {CHECKED_DAYS} validated days hold 85 to 95 % of the hours.",
    )
    def interval_coverage(lakehouse: dg.ResourceParam[DeltaIOManager]) -> dg.AssetCheckResult:
        validated = lakehouse.lakehouse.snapshot(FORECAST_VALIDATION.name).rows_by_slice()
        newest = sorted(value for value in validated if value)[-CHECKED_DAYS:]
        rows = lakehouse.published_rows(FORECAST_VALIDATION.name, newest)
        covered, hours = (
            rows.aggregate(
                covered=rows.covered_hours.sum().cast("int64"), hours=rows.interval_hours.sum().cast("int64")
            )
            .to_pyarrow()
            .to_pylist()[0]
            .values()
        )
        return _verdict(covered or 0, hours or 0)

    return interval_coverage


def _verdict(covered: int, hours: int) -> dg.AssetCheckResult:
    if not hours:
        return dg.AssetCheckResult(
            passed=True, severity=dg.AssetCheckSeverity.WARN, description="No interval was validated yet."
        )
    coverage = covered / hours
    return dg.AssetCheckResult(
        passed=LOWEST_COVERAGE <= coverage <= HIGHEST_COVERAGE,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{coverage:.1%} of {hours:,} hours lay within their interval.",
        metadata={"coverage": coverage, "interval_hours": hours},
    )
