"""Every slicing of time, each with its reason. All days are UTC days.

Which rows belong to a partition is decided in `resources.lakehouse.slicing`; which source starts when, in the settings.
"""

from datetime import date, timedelta

import dagster as dg

from platform_assets.domain.event_days import SESSION_LOOK_BACK_DAYS


def daily(first_day: date, last_day: date | None) -> dg.DailyPartitionsDefinition:
    """The one slicing of the platform: UTC days from `first_day` to `last_day` (None: growing with the calendar).

    Raw tables use it for the day a file landed, everything after for the day an event happened. It is one
    definition so that Dagster can run several stages over one range in one run.
    """
    end = last_day + timedelta(days=1) if last_day else None
    return dg.DailyPartitionsDefinition(start_date=first_day.isoformat(), end_date=end.isoformat() if end else None)


def calendar_days(first_day: date) -> dg.DailyPartitionsDefinition:
    """UTC days of the calendar, whatever the data's last day is: the slicing of what tells of the platform's own work.

    The work on old days is done today.
    """
    return dg.DailyPartitionsDefinition(start_date=first_day.isoformat())


def days_around(before: int, after: int) -> dg.TimeWindowPartitionMapping:
    """A day reads its upstream's days from `before` days earlier to `after` days later, as far as they exist."""
    return dg.TimeWindowPartitionMapping(
        start_offset=-before, end_offset=after, allow_nonexistent_upstream_partitions=True
    )


def landing_days_of_event_day(lateness_days: int) -> dg.TimeWindowPartitionMapping:
    """`events[d]` reads landing days d - 2 … d + lateness: late records, and sessions that survive midnight."""
    return days_around(before=SESSION_LOOK_BACK_DAYS, after=lateness_days)


def trailing_days(days: int) -> dg.TimeWindowPartitionMapping:
    """Strictly earlier days: d - days … d - 1. What happens on d itself can never be seen."""
    return dg.TimeWindowPartitionMapping(start_offset=-days, end_offset=-1, allow_nonexistent_upstream_partitions=True)


def day_keys(first: date, last: date) -> list[str]:
    """The partition keys of the days `first` … `last`, in order; none where `last` lies before."""
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]


def run_days(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """First and last day of the run's partition or partition range."""
    keys = context.partition_key_range
    return date.fromisoformat(keys.start), date.fromisoformat(keys.end)
