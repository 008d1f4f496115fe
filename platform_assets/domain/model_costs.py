"""What every model costs: seconds of steps, charged to the UTC day on which they were spent.

A step belongs to the model whose table or version it makes; what several models share (events, features, checks of
either) is a line of its own, `shared`, by stage folder: any split of it among the models would be invented. Seconds lie
on the calendar, not on the days that were computed: a run over thirty days is not thirty costs, and a day's bill is
final when the day is over. A step that lasts beyond midnight counts on both days, by its seconds on each.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

from platform_assets.domain.model_spec import ModelSpec

if TYPE_CHECKING:
    import pandas as pd

SHARED = "shared"
"""Stands where a model's name would: what no single model owns."""

STAGES = {
    "training_set": "training_set",
    "model": "training",
    "champion": "gate",
    "scores": "scoring",
    "audience": "scoring",
    "validation": "validation",
    "drift": "drift",
}
"""The stage of a model's asset, by its suffix."""


class Charge(NamedTuple):
    """Where a step's seconds are booked."""

    model: str
    stage: str


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400_000_000
"""Microseconds of a day: UTC has no other days."""

UNKNOWN = Charge(SHARED, "other")
"""Steps of assets that exist no more, and of jobs that make no asset."""


@dataclass(frozen=True)
class Attempt:
    """One attempt of one step of a run; `ended` is None while it lasts. Instants are UTC.

    `died`: its process went without a word, and `ended` is when the run was closed: an upper bound.
    """

    run_id: str
    step: str
    began: datetime
    ended: datetime | None
    failed: bool = False
    died: bool = False


@dataclass(frozen=True)
class Published:
    """Rows that a step published at an instant (UTC)."""

    step: str
    at: datetime
    rows: int


def charges_of(groups: Mapping[str, str], specs: Iterable[ModelSpec]) -> dict[str, Charge]:
    """Where the work on each asset is booked; `groups` names the stage folder of every asset."""
    owned = {spec.table(suffix): Charge(spec.name, stage) for spec in specs for suffix, stage in STAGES.items()}
    return {asset: owned.get(asset, Charge(SHARED, group)) for asset, group in groups.items()}


def charge_of(step: str, charges: Mapping[str, Charge]) -> Charge:
    """Where a step is booked: steps are named for their asset, those of checks `<asset>_<check>`."""
    named = [asset for asset in charges if step == asset or step.startswith(f"{asset}_")]
    return charges[max(named, key=len)] if named else UNKNOWN


def model_costs(
    attempts: Iterable[Attempt],
    published: Iterable[Published],
    charges: Mapping[str, Charge],
    first: date,
    last: date,
    *,
    until: datetime,
    cost_per_hour: float,
) -> "pd.DataFrame":
    """One row per UTC day `first` … `last`, model and stage that worked on it; see `MODEL_COSTS` for the columns.

    `charges` says by asset where it is booked, `until` is the instant up to which attempts that still last are counted;
    for a day that is over, any later instant gives the same rows.
    """
    import pandas as pd

    worked = _by_day(_frame(attempts, until), charges)
    grouped = worked.groupby(["run_date", "model", "stage"], sort=True)
    rows = grouped.agg(
        runs=("run_id", "nunique"),
        attempts=("step", "size"),
        failed=("failed", "sum"),
        died=("died", "sum"),
        seconds=("seconds", "sum"),
    )
    counted = pd.DataFrame(
        [(each.at.astimezone(UTC).date(), *charge_of(each.step, charges), each.rows) for each in published],
        columns=["run_date", "model", "stage", "rows"],
    )
    rows["rows"] = counted.groupby(["run_date", "model", "stage"])["rows"].sum().reindex(rows.index, fill_value=0)
    rows["cost_per_hour"] = float(cost_per_hour)
    rows["cost"] = rows["seconds"] / 3600 * cost_per_hour
    rows = rows.reset_index()
    return rows[(rows["run_date"] >= first) & (rows["run_date"] <= last)].reset_index(drop=True)


def _frame(attempts: Iterable[Attempt], until: datetime) -> "pd.DataFrame":
    """The attempts in a total order, their instants in microseconds since 1970."""
    import pandas as pd

    # A clock that was set back between the two events must not give time back.
    spans = [(each, _micros(each.began), _micros(each.ended or until)) for each in attempts]
    rows = [(each.run_id, each.step, began, max(began, ended), each.failed, each.died) for each, began, ended in spans]
    frame = pd.DataFrame(rows, columns=["run_id", "step", "began", "ended", "failed", "died"])
    types = {"began": "int64", "ended": "int64", "failed": "int64", "died": "int64"}
    return frame.astype(types).sort_values(["began", "ended", "run_id", "step"], kind="stable", ignore_index=True)


def _by_day(attempts: "pd.DataFrame", charges: Mapping[str, Charge]) -> "pd.DataFrame":
    """One row per attempt and day that it lay on, with the seconds on that day; an instant lies on its day."""
    import numpy as np
    import pandas as pd

    first_day = attempts["began"] // DAY
    last_day = np.maximum(first_day, (attempts["ended"] - 1) // DAY)
    days = (last_day - first_day + 1).to_numpy()
    spread = attempts.loc[np.repeat(attempts.index.to_numpy(), days)].reset_index(drop=True)
    day = np.repeat(first_day.to_numpy(), days) + np.arange(len(spread)) - np.repeat(np.cumsum(days) - days, days)
    spent = np.minimum(spread["ended"], (day + 1) * DAY) - np.maximum(spread["began"], day * DAY)
    # What became of an attempt is told on the day on which it ended.
    ends_here = (spread["ended"] <= (day + 1) * DAY).astype("int64")
    booked = {step: charge_of(step, charges) for step in attempts["step"].unique()}
    return spread.assign(
        run_date=pd.to_datetime(day, unit="D").date,
        model=spread["step"].map({step: charge.model for step, charge in booked.items()}),
        stage=spread["step"].map({step: charge.stage for step, charge in booked.items()}),
        seconds=spent / 1e6,
        failed=spread["failed"] * ends_here,
        died=spread["died"] * ends_here,
    )


def _micros(instant: datetime) -> int:
    return round((instant - EPOCH) / timedelta(microseconds=1))


def day_bounds(first: date, last: date) -> tuple[datetime, datetime]:
    """The instants (UTC) at which `first` begins and `last` ends."""
    begin = datetime.combine(first, time(), UTC)
    return begin, datetime.combine(last, time(), UTC) + timedelta(days=1)
