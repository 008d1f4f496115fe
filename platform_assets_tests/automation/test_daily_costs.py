"""The night's costs: the day that is over and every day that was missed, in one range."""

from datetime import UTC, date, datetime

import dagster as dg

from platform_assets.automation.daily_costs import daily_costs_schedule
from platform_assets.partitions import calendar_days

NIGHT = datetime(2026, 3, 5, 0, 10, tzinfo=UTC)


def test_a_night_asks_for_all_days_from_the_first_missing_one_on() -> None:
    schedule = daily_costs_schedule(calendar_days(date(2026, 3, 1)))

    def night(instance: dg.DagsterInstance) -> list[dg.RunRequest]:
        context = dg.build_schedule_context(instance, scheduled_execution_time=NIGHT)
        return list(schedule.evaluate_tick(context).run_requests or [])

    with dg.instance_for_test() as instance:
        for day in ("2026-03-01", "2026-03-03"):
            instance.report_runless_asset_event(dg.AssetMaterialization("model_costs", partition=day))
        (asked,) = night(instance)
        span = (asked.tags["dagster/asset_partition_range_start"], asked.tags["dagster/asset_partition_range_end"])
        assert span == ("2026-03-02", "2026-03-04")
        for day in ("2026-03-02", "2026-03-04"):
            instance.report_runless_asset_event(dg.AssetMaterialization("model_costs", partition=day))
        assert night(instance) == []
