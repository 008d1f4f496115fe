"""Which event days read rows that a release brought in, or changed."""

from collections.abc import Collection
from datetime import date, timedelta

import ibis

from platform_assets.domain.event_days import SESSION_LOOK_BACK_DAYS
from platform_assets.domain.events import SESSION_GAP


def days_of_changed_rows(before: ibis.Table, after: ibis.Table) -> tuple[set[date], set[date]]:
    """Event days of rows that only one of two states of a table holds, and those with such rows in the last minutes.

    A session's id says nothing about which rows there are.
    """
    columns = [name for name in after.columns if name in before.columns and name != "session_id"]
    was, now = before.select(columns), after.select(columns)
    return days_of_rows(was.difference(now).union(now.difference(was)))


def days_of_rows(rows: ibis.Table) -> tuple[set[date], set[date]]:
    """The event days of some rows, and those with rows in the last minutes before midnight."""
    midnight = (rows.event_date + ibis.interval(days=1)).cast("timestamp")
    days = rows.select("event_date", late=rows.event_time >= midnight - ibis.interval(SESSION_GAP)).distinct()
    found = days.to_pyarrow().to_pylist()
    return {row["event_date"] for row in found}, {row["event_date"] for row in found if row["late"]}


def days_that_read(days: Collection[date], with_last_minutes: Collection[date]) -> set[date]:
    """The event days whose events are computed from rows of these days.

    A day reads itself, the day before, and the last minutes of the day before that (`platform_assets.domain.events`).
    """
    read = {day + timedelta(days=offset) for day in days for offset in (0, 1)}
    return read | {day + timedelta(days=SESSION_LOOK_BACK_DAYS) for day in with_last_minutes}
