"""What was spent: the rows of `model_costs`, and what runs took since its newest day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from platform_assets.cli.status.graph import Graph
from platform_assets.cli.status.lake import Lake
from platform_assets.domain.contracts.model_costs import MODEL_COSTS
from platform_assets.domain.model_costs import day_bounds, model_costs
from platform_assets.domain.status.places import SinceThen
from resources.run_history import run_seconds_between, work_between

DAYS = 30


def told_costs(lake: Lake, today: date) -> tuple[list[dict[str, Any]], date]:
    """The rows of the last `DAYS` days that the table holds, and the first day that it doesn't."""
    first = today - timedelta(days=DAYS - 1)
    rows = [row for row in lake.rows(MODEL_COSTS.name, since=first) if row["run_date"] < today]
    newest = lake.daily(MODEL_COSTS.name).newest
    return rows, max(first, newest + timedelta(days=1)) if newest else first


def since_then(instance: dg.DagsterInstance, since: date, now: datetime) -> SinceThen:
    """What runs took since a day, by their own begin and end: one query, whatever their number."""
    runs, seconds = run_seconds_between(instance, day_bounds(since, since)[0], now)
    return SinceThen(since, runs, seconds)


def costs_by_stage(
    lake: Lake, instance: dg.DagsterInstance | None, graph: Graph, now: datetime, cost_per_hour: float
) -> list[dict[str, Any]]:
    """One row per day, model and stage of the last `DAYS` days up to now; reads the log of every run since."""
    today = now.astimezone(UTC).date()
    rows, since = told_costs(lake, today)
    if instance is None:
        return rows
    work = work_between(instance, *day_bounds(since, today))
    later = model_costs(
        work.attempts, work.published, graph.charges, since, today, until=now, cost_per_hour=cost_per_hour
    )
    return rows + [{str(name): value for name, value in row.items()} for row in later.to_dict("records")]
