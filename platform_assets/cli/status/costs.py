"""What was spent: the rows of `model_costs`, and what was computed since its newest day."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from platform_assets.cli.status.graph import Graph
from platform_assets.cli.status.lake import Lake
from platform_assets.domain.contracts.model_costs import MODEL_COSTS
from platform_assets.domain.model_costs import day_bounds, model_costs
from resources.run_history import work_between

DAYS = 30
MOST_RUNS = 40
"""Logs of runs that a screen may wait for: each takes some hundredths of a second."""


def costs_of(
    lake: Lake,
    instance: dg.DagsterInstance | None,
    graph: Graph,
    now: datetime,
    cost_per_hour: float,
    *,
    in_full: bool,
) -> tuple[list[dict[str, Any]], int]:
    """One row per day, model and stage of the last `DAYS` days, today up to now among them; and runs left out.

    For what the table doesn't hold yet published rows are counted, and more than `MOST_RUNS` runs are read, only where
    it is asked for `in_full`.
    """
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    told = [row for row in lake.rows(MODEL_COSTS.name, since=first) if row["run_date"] < today]
    newest = lake.daily(MODEL_COSTS.name).newest
    since = max(first, newest + timedelta(days=1)) if newest else first
    if instance is None:
        return told, 0
    most = None if in_full else MOST_RUNS
    work = work_between(instance, *day_bounds(since, today), counting_rows=in_full, most_runs=most)
    rows = model_costs(
        work.attempts, work.published, graph.charges, since, today, until=now, cost_per_hour=cost_per_hour
    )
    told += [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]
    return told, work.runs_left_out
