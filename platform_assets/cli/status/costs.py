"""What was spent: the rows of `model_costs`, and what was computed since its newest day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from platform_assets.cli.status.graph import Graph
from platform_assets.cli.status.lake import Lake
from platform_assets.domain.contracts.model_costs import MODEL_COSTS
from platform_assets.domain.model_costs import day_bounds, model_costs
from resources.run_history import work_between

DAYS = 30


def costs_of(
    lake: Lake, instance: dg.DagsterInstance | None, graph: Graph, now: datetime, cost_per_hour: float
) -> list[dict[str, Any]]:
    """One row per day, model and stage of the last `DAYS` days, today up to now among them."""
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    told = [row for row in lake.rows(MODEL_COSTS.name, since=first) if row["run_date"] < today]
    newest = lake.daily(MODEL_COSTS.name).newest
    since = max(first, newest + timedelta(days=1)) if newest else first
    return told + (_since(instance, graph, since, today, now, cost_per_hour) if instance and since <= today else [])


def _since(
    instance: dg.DagsterInstance, graph: Graph, first: date, today: date, now: datetime, cost_per_hour: float
) -> list[dict[str, Any]]:
    attempts, published = work_between(instance, *day_bounds(first, today))
    rows = model_costs(attempts, published, graph.charges, first, today, until=now, cost_per_hour=cost_per_hour)
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]
