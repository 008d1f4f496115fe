"""What `benchmarks.drift` measures, each in a process of its own; the figures are the last line, as JSON."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from platform_assets.definitions import build_definitions
from platform_assets.demo import simulate
from platform_assets.domain.drift.comparison import FEATURE, LAST_WEEK, TRAINING, Pair, Volume, compared
from platform_assets.domain.drift.decision import decided
from platform_assets.domain.drift.distribution import Sample
from platform_assets.domain.drift.reference_days import days_like, days_that_count
from platform_assets.domain.model_policies import DriftPolicy
from platform_assets.trained_models.conversion import CONVERSION
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

FIRST, DAYS, SEED = date(2026, 1, 5), 140, 11
TRAINED = FIRST + timedelta(days=78)
"""After the 28 days in which features fill, six weeks to learn from, and the 8 days in which labels mature."""
POLICY = DriftPolicy()
COLUMNS = 40


def cost(*rows: str) -> dict[str, Any]:
    """CPU seconds of a day of so many rows and 40 columns against a reference as large, beside scipy's bare test."""
    measured = {}
    _day_of(*(pa.table({"column": [0.0, 1.0]}) for _ in range(2)))  # imports what is imported late
    for size in map(int, rows):
        random = np.random.default_rng(1)
        today, before = (
            pa.table({f"column_{number}": random.lognormal(0, 1, size) for number in range(COLUMNS)}) for _ in range(2)
        )
        own, found = _timed(partial(_day_of, today, before))
        bare, _ = _timed(partial(_bare_tests, today, before))
        measured[str(size)] = {"cpu_seconds": own, "bare_cpu_seconds": bare, "drifted": int(found["drifted"].sum())}
    return measured


def _day_of(today: pa.Table, before: pa.Table) -> pd.DataFrame:
    pair = Pair(TRAINING, FEATURE, Sample.of_day(today, TRAINED), Sample.of_day(before, FIRST))
    return decided(compared([pair], []), POLICY)


def _bare_tests(today: pa.Table, before: pa.Table) -> list[Any]:
    from scipy.stats import ks_2samp

    return [ks_2samp(today[name].to_numpy(), before[name].to_numpy(), method="asymp") for name in today.column_names]


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


class World:
    """`user_features` of a quiet simulated world, computed by the graph unless that was done, and a training set."""

    def __init__(self, home: Path, events: int) -> None:
        settings = Settings(home=home, first_day=FIRST, last_day=FIRST + timedelta(days=DAYS - 1))
        if not (home / "complete").exists():
            landing = Path(settings.landing_root)
            simulate(landing, first_day=FIRST, days=DAYS, events=events, seed=SEED, anomalous=False)
            _compute(settings)
            (home / "complete").touch()
        lakehouse = Lakehouse(settings.lake_root)
        engine = DuckDBEngine.from_settings(settings, settings.require_pseudonym_key(only_simulated_data=True))
        rows = read(lakehouse, engine, lakehouse.snapshot(CONVERSION.feature_table), None).to_pyarrow()
        days = pc.unique(rows["event_date"]).to_pylist()
        self.days: dict[date, pa.Table] = {day: rows.filter(pc.field("event_date") == pa.scalar(day)) for day in days}
        learnt = [day for day in CONVERSION.waiting_for(2).feature_days(TRAINED) if day in self.days]
        learnt = days_that_count(learnt, CONVERSION.window)
        self.training = [self._sample_of(days_like(weekday, learnt)) for weekday in range(7)]

    def sample(self, day: date, change: "Change | None" = None) -> Sample:
        """The features of a day, as they are or changed by hand."""
        rows = self.days[day].select(list(CONVERSION.feature_names))
        if change is not None:
            rows = pa.Table.from_pandas(change(rows.to_pandas()), preserve_index=False)
        return Sample.of_day(rows, day)

    def drift(self, day: date, today: Sample, *references: str) -> pd.DataFrame:
        """What is found of a day against the references."""
        pairs, volumes = [], []
        for reference in references:
            before = self.training[day.weekday()] if reference == TRAINING else self.sample(day - timedelta(days=7))
            pairs.append(Pair(reference, FEATURE, today, before))
            rows_before = tuple(self.days[each].num_rows for each in before.days)
            volumes.append(Volume(reference, CONVERSION.feature_table, day, today.rows, rows_before))
        return decided(compared(pairs, volumes), POLICY)

    def _sample_of(self, days: Sequence[date]) -> Sample:
        rows = pa.concat_tables([self.days[day] for day in days])
        return Sample.of(rows.select(list(CONVERSION.feature_names)), days, len(pc.unique(rows["user_id"])))


def _compute(settings: Settings) -> None:
    tables = ("raw_web_events", "events", "identifier_pairs", "user_ids", "domain_categories", "category_audiences")
    keys = {dg.AssetKey(table) for table in (*tables, CONVERSION.feature_table)}
    job = build_definitions(settings).resolve_implicit_global_asset_job_def().get_subset(asset_selection=keys)
    ends = {"start": FIRST.isoformat(), "end": (FIRST + timedelta(days=DAYS - 1)).isoformat()}
    with dg.DagsterInstance.ephemeral() as instance:
        tags = {f"dagster/asset_partition_range_{end}": day for end, day in ends.items()}
        job.execute_in_process(instance=instance, tags=tags)


def quality(home: str, events: str) -> dict[str, Any]:
    """False alarms on the quiet days after a training, and how many planted changes are found on their day."""
    world = World(Path(home), int(events))
    quiet_days = [day for day in sorted(world.days) if day > TRAINED]
    quiet = pd.concat(
        [world.drift(day, world.sample(day), TRAINING, LAST_WEEK).assign(event_date=day) for day in quiet_days]
    )
    alarms = quiet[quiet["drifted"]].groupby("reference")["event_date"].nunique()
    known = world.training[0]
    return {
        "persons": int(world.days[quiet_days[0]].num_rows),
        "days": len(quiet_days),
        "columns": len(known.columns),
        "alarm_days": {name: int(alarms.get(name, 0)) for name in (TRAINING, LAST_WEEK)},
        "over_threshold": int((quiet["psi"] >= POLICY.psi).sum()),
        "found": {name: _found(world, quiet_days[::12], plants) for name, plants in _plants(known).items()},
    }


Change = Callable[[pd.DataFrame], pd.DataFrame]
Plant = tuple[str, Change]
"""A column, and the change to it."""


def _plants(known: Sample) -> dict[str, list[Plant]]:
    held = {name: column for name, column in known.columns.items() if column.size}
    wide = [name for name, column in held.items() if np.ptp(column.quantiles(np.array([0.25, 0.75]))) > 0]
    few = [name for name, column in held.items() if column.is_categorical]
    half_gone = (CONVERSION.feature_table, _half)
    return {
        "scaled by 1.5, columns whose middle half isn't one value": [(name, partial(_scaled, name)) for name in wide],
        "20 points more missing": [(name, partial(_missing, name)) for name in held],
        "a new category in 5 % of rows": [(name, partial(_unseen, name)) for name in few],
        "half the rows gone": [half_gone],
    }


def _scaled(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{name: rows[name] * 1.5})


def _missing(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{name: rows[name].mask(_lot(rows) < 0.2)})


def _unseen(name: str, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(**{name: rows[name].mask(_lot(rows) < 0.05, 99)})


def _half(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[_lot(rows) < 0.5]


def _lot(rows: pd.DataFrame) -> np.ndarray:
    """A number in [0, 1) for each row, evenly spread."""
    return np.random.default_rng(3).permutation(len(rows)) / len(rows)


def _found(world: World, days: Sequence[date], plants: Sequence[Plant]) -> dict[str, Any]:
    """How many of the planted changes are found against the training on their day, and what else is called drifted."""
    tries = list(_tries(world, days, plants))
    missed = sorted({column for column, found, _ in tries if not found})
    return {
        "planted": len(tries),
        "found": sum(found for _, found, _ in tries),
        "others": sum(others for *_, others in tries),
        "missed_columns": missed,
    }


def _tries(world: World, days: Sequence[date], plants: Sequence[Plant]) -> Iterator[tuple[str, bool, int]]:
    for day in days:
        for column, change in plants:
            rows = world.drift(day, world.sample(day, change), TRAINING).query("drifted")
            names = set(rows["subject"])
            yield column, column in names, len(names - {column})


def bank(shared_data: str) -> dict[str, Any]:
    """By month, the columns of a bank's calls that have drifted from its first two months."""
    from platform_assets_tests.domain.drift.bank_months import ECONOMY, PERSON, months, sample

    calls = months(Path(shared_data))
    first, second, *later = sorted(calls)
    before = sample(pd.concat([calls[first], calls[second]]), first, second)
    found = {
        month: set(rows["subject"][rows["drifted"]])
        for month in later
        for rows in [decided(compared([Pair(TRAINING, FEATURE, sample(calls[month], month), before)], []), POLICY)]
    }
    return {
        "months": len(later),
        "economy": {name: sum(name in each for each in found.values()) for name in ECONOMY},
        "person": {name: sum(name in each for each in found.values()) for name in PERSON},
    }


if __name__ == "__main__":
    legs: dict[str, Callable[..., dict[str, Any]]] = {"cost": cost, "quality": quality, "bank": bank}
    print(json.dumps(legs[sys.argv[1]](*sys.argv[2:])))
