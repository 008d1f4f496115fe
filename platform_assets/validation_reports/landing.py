"""Until which landing day all sources have arrived, as the instance's materialisations tell."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import dagster as dg


def landed_until(instance: dg.DagsterInstance, tables: Sequence[str]) -> date | None:
    """The last landing day up to which every one of `tables` is complete; None while one of them has nothing yet.

    Complete means without a gap from the table's first materialised day on: a day that is still missing may hold
    late records of any day after it.
    """
    reached = [_without_gap(instance.get_materialized_partitions(dg.AssetKey(table))) for table in tables]
    known = [day for day in reached if day is not None]
    return min(known) if known and len(known) == len(reached) else None


def _without_gap(keys: Iterable[str]) -> date | None:
    days = {date.fromisoformat(key) for key in keys}
    if not days:
        return None
    last = min(days)
    while last + timedelta(days=1) in days:
        last += timedelta(days=1)
    return last
