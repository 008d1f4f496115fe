"""Until which landing day all sources have arrived, as the instance's materialisations tell."""

from collections.abc import Sequence
from datetime import date

import dagster as dg


def landed_until(instance: dg.DagsterInstance, tables: Sequence[str]) -> date | None:
    """The last landing day that every one of `tables` has reached; None while one of them has nothing yet."""
    reached = [instance.get_materialized_partitions(dg.AssetKey(table)) for table in tables]
    if not all(reached):
        return None
    return min((date.fromisoformat(max(keys)) for keys in reached), default=None)
