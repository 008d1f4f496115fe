"""The section `places`: room on the disk and the size of the lake; and what the last thirty days cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from platform_assets.domain.model_costs import SHARED
from platform_assets.domain.status.line import Line, Mark

SECTION = "places"
LEAST_FREE_BYTES, LEAST_FREE_SHARE = 1e9, 0.03
"""Below either, publications soon fail."""
FEW_FREE_BYTES, FEW_FREE_SHARE = 5e9, 0.1


@dataclass(frozen=True)
class Places:
    """The disk that holds the home, and the lake's files that are live."""

    home: str
    disk_bytes: int
    free_bytes: int
    lake: str
    lake_bytes: int
    tables: int


def place_lines(places: Places) -> list[Line]:
    """Free room and size."""
    share = places.free_bytes / places.disk_bytes if places.disk_bytes else 0.0
    said = f"{places.free_bytes / 1e9:,.1f} GB free ({share:.0%}) where {places.home} lies; "
    said += f"the lake holds {places.lake_bytes / 1e6:,.1f} MB in {places.tables} tables"
    figures = {
        "free_bytes": places.free_bytes,
        "free_share": round(share, 4),
        "lake": places.lake,
        "lake_bytes": places.lake_bytes,
        "tables": places.tables,
    }
    todo = "make room: `platform maintain` frees what no promised version needs"
    if places.free_bytes < LEAST_FREE_BYTES or share < LEAST_FREE_SHARE:
        todo += "; docs/runbooks/disk-full-or-crash-while-publishing.md"
        return [Line(SECTION, "disk", Mark.ACT, said, todo, figures)]
    if places.free_bytes < FEW_FREE_BYTES or share < FEW_FREE_SHARE:
        return [Line(SECTION, "disk", Mark.WATCH, said, todo, figures)]
    return [Line(SECTION, "disk", Mark.OK, said, figures=figures)]


@dataclass(frozen=True)
class SinceThen:
    """What runs took that `model_costs` doesn't hold yet: those since a day (UTC)."""

    first: date
    runs: int
    seconds: float


def cost_lines(
    rows: Sequence[Mapping[str, Any]], since: SinceThen | None, days: int, cost_per_hour: float
) -> list[Line]:
    """What was spent in the last `days` days, by model as `model_costs` tells it, and in all `since` its newest day."""
    seconds: dict[str, float] = {}
    cost: dict[str, float] = {}
    for row in rows:
        seconds[row["model"]] = seconds.get(row["model"], 0.0) + row["seconds"]
        cost[row["model"]] = cost.get(row["model"], 0.0) + row["cost"]
    said = f"nothing is booked in the last {days} days"
    if seconds:
        order = sorted(seconds, key=lambda model: (model == SHARED, -seconds[model], model))
        parts = ", ".join(f"{model} {_told(seconds[model], cost[model], cost_per_hour)}" for model in order)
        whole = _told(sum(seconds.values()), sum(cost.values()), cost_per_hour)
        said = f"{whole} in the last {days} days: {parts}"
    figures: dict[str, Any] = {"days": days, "cost_per_hour": cost_per_hour, "seconds": seconds, "cost": cost}
    if since is not None and since.runs:
        spent = _told(since.seconds, since.seconds / 3600 * cost_per_hour, cost_per_hour)
        said += f"; {spent} in {since.runs} runs since {since.first}, booked by model in the night"
        figures |= {"since": since.first, "runs_since": since.runs, "seconds_since": since.seconds}
    return [Line(SECTION, "cost", Mark.OK, said, figures=figures)]


def _told(seconds: float, cost: float, cost_per_hour: float) -> str:
    spent = f"{seconds / 3600:,.1f} h" if seconds >= 3600 else f"{seconds:,.0f} s"
    return f"{cost:,.2f} ({spent})" if cost_per_hour else spent
