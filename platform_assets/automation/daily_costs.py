"""`daily_costs`: every night the table `model_costs` gets the day that is over, and those that were missed.

How costs are told stands in `platform_assets.validation_reports.model_costs`.
"""

from collections.abc import Collection, Sequence

import dagster as dg

from platform_assets.automation.partition_requests import FIRST_TAG, LAST_TAG
from platform_assets.domain.contracts.model_costs import MODEL_COSTS

EVERY_NIGHT = "10 0 * * *"
WATCH_DAYS = 30
"""Days of the calendar whose costs are made up for, should the daemon have been away."""


def daily_costs_schedule(calendar: dg.DailyPartitionsDefinition) -> dg.ScheduleDefinition:
    """The schedule, ten minutes past midnight UTC: one run over all days of the last 30 from the first missing one on.

    Days are asked for as long as they are missing, so no lost run loses a day.
    """

    @dg.schedule(
        name="daily_costs",
        cron_schedule=EVERY_NIGHT,
        execution_timezone="UTC",
        target=dg.AssetSelection.assets(MODEL_COSTS.name),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Tells what every model cost on the day that is over.",
    )
    def daily_costs(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        keys = calendar.get_partition_keys(current_time=context.scheduled_execution_time)[-WATCH_DAYS:]
        missing = missing_from(keys, context.instance.get_materialized_partitions(dg.AssetKey(MODEL_COSTS.name)))
        if not missing:
            return dg.SkipReason("the costs of every day are told")
        return dg.RunRequest(tags={FIRST_TAG: missing[0], LAST_TAG: missing[-1]})

    return daily_costs


def missing_from(keys: Sequence[str], materialized: Collection[str]) -> Sequence[str]:
    """The days from the first missing one on, so that they are one range; none where none is missing."""
    first = next((number for number, key in enumerate(keys) if key not in materialized), len(keys))
    return keys[first:]
