"""Until which landing day all sources have arrived, as the instance's materialisations tell."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import dagster as dg


def landed_until(instance: dg.DagsterInstance, tables: Sequence[str], since: date) -> date | None:
    """The last landing day up to which every one of `tables` is complete; None where one has nothing, or not `since`.

    Complete means without a gap from `since` on, or from a table's first day where that is later: a day that is still
    missing may hold late records of the days before it. What is missing from before `since` is not waited for.
    """
    reached = [_without_gap(instance.get_materialized_partitions(dg.AssetKey(table)), since) for table in tables]
    known = [day for day in reached if day is not None]
    return min(known) if known and len(known) == len(reached) else None


def _without_gap(keys: Iterable[str], since: date) -> date | None:
    days = {date.fromisoformat(key) for key in keys}
    if not days or (last := max(since, min(days))) not in days:
        return None
    while last + timedelta(days=1) in days:
        last += timedelta(days=1)
    return last
