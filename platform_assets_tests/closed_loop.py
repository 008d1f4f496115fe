"""A platform that lives through a simulated world day by day, with no human in the loop.

Files land, sensors and conditions are ticked until they ask for nothing, and what they ask for is run here, as the
daemon would do it. Only the chain of one model is wired: raw events to retrain decisions.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from platform_assets.definitions import build_definitions
from platform_assets.demo import simulate
from platform_assets.domain.model_spec import ModelSpec
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.model_registry.registry import ModelRegistry
from resources.settings import Settings

BEFORE_DAYS = 28
"""Features look back so many days: the world begins as many days before day 0."""
WORLD_BEGINS = date(2026, 1, 5)
FIRST_DAY = WORLD_BEGINS + timedelta(days=BEFORE_DAYS)
SOURCE = "web_events"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
HISTORY = ("events", "identifier_pairs", "user_ids", "category_audiences", "user_features")
SUFFIXES = ("training_set", "model", "champion", "scores", "validation", "drift")
SENSORS = ("landed_files", "late_events", "retrain")


@dataclass
class ClosedLoop:
    """The model of `spec` in a world below `home` that ends after `days` days; days are numbers from 0."""

    home: Path
    spec: ModelSpec
    days: int
    events: int
    drift_day: int | None
    instance: dg.DagsterInstance
    seed: int = 7
    done: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    _cursor: Any = None

    def __post_init__(self) -> None:
        self.world = self.home / "world" / "landing"
        simulate(
            self.world,
            first_day=WORLD_BEGINS,
            days=BEFORE_DAYS + self.days,
            events=self.events,
            seed=self.seed,
            drift_day=None if self.drift_day is None else BEFORE_DAYS + self.drift_day,
            horizon_days=self.spec.label.horizon_days,
        )
        self.wake(0)

    def date_of(self, day: int) -> date:
        return FIRST_DAY + timedelta(days=day)

    def wake(self, day: int) -> None:
        """The graph as it is on a day: its newest partition is that day."""
        self.today = day
        self.settings = Settings(home=self.home / "platform", first_day=WORLD_BEGINS, last_day=self.date_of(day))
        whole = build_definitions(self.settings, models=[self.spec])
        wanted = {
            f"raw_{SOURCE}",
            "domain_categories",
            *HISTORY,
            *map(self.spec.table, SUFFIXES),
            "promotion_decisions",
            "retrain_decisions",
        }
        chain = [each for each in whole.assets or () if {key.to_user_string() for key in each.keys} <= wanted]
        self.whole = whole
        checks = [
            each for each in whole.asset_checks or () if {key.asset_key.path[-1] for key in each.check_keys} <= wanted
        ]
        self.definitions = dg.Definitions(assets=chain, asset_checks=checks, resources=whole.resources)
        self.job = self.definitions.resolve_implicit_global_asset_job_def()

    def land(self, first: int, last: int) -> None:
        """Put the files of some landing days where the platform looks for them."""
        for day in range(first, last + 1):
            for folder in self.world.glob(f"{SOURCE}/**/*{self.date_of(day)}*"):
                place = Path(self.settings.landing_root) / folder.relative_to(self.world)
                shutil.copytree(folder, place, dirs_exist_ok=True)
                for file in place.iterdir():
                    os.utime(file, (LONG_AGO, LONG_AGO))  # a file of this minute is taken for one still being written

    def backfill(self, last: int) -> None:
        """Compute the history up to a day as people do it: every table over its whole range, features from day 0 on."""
        self.wake(last)
        self.land(-BEFORE_DAYS, last)
        tags = {
            "dagster/asset_partition_range_start": WORLD_BEGINS.isoformat(),
            "dagster/asset_partition_range_end": self.date_of(last).isoformat(),
        }
        shutil.copytree(self.world / "category_maps", Path(self.settings.landing_root) / "category_maps")
        self._run([dg.AssetKey("domain_categories")], {})
        for table in (f"raw_{SOURCE}", *HISTORY[:-1]):
            self._run([dg.AssetKey(table)], tags)
        self._run([dg.AssetKey(HISTORY[-1])], {**tags, "dagster/asset_partition_range_start": FIRST_DAY.isoformat()})

    def live(self, first: int, last: int) -> None:
        """Let the days come, one after the other."""
        for day in range(first, last + 1):
            self.wake(day)
            self.land(day, day)
            while self._tick_sensors() or self._tick_conditions():
                pass

    def _tick_sensors(self) -> bool:
        asked = False
        for name in SENSORS:
            definition = self.whole.resolve_sensor_def(name)
            needed = {key: (self.whole.resources or {})[key] for key in definition.required_resource_keys}
            with dg.build_sensor_context(
                instance=self.instance, definitions=self.whole, sensor_name=name, resources=needed
            ) as context:
                requests = definition.evaluate_tick(context).run_requests or ()
            for request in requests:
                if request.run_key in self.done:
                    continue
                self.done.add(str(request.run_key))
                asked = True
                self._run(request.asset_selection or (), dict(request.tags))
        return asked

    def _tick_conditions(self) -> bool:
        """Evaluate every condition as of the morning after the newest day, and run what is asked for, day by day."""
        morning = datetime.combine(self.date_of(self.today + 1), time(1), tzinfo=UTC)
        found = dg.evaluate_automation_conditions(
            self.definitions, self.instance, evaluation_time=morning, cursor=self._cursor
        )
        self._cursor = found.cursor
        wanted: dict[str | None, list[dg.AssetKey]] = {}
        for key in self.definitions.resolve_all_asset_keys():
            for partition in found.get_requested_partitions(key):
                wanted.setdefault(partition, []).append(key)
        for partition in sorted(wanted, key=str):
            self._run(wanted[partition], {"dagster/partition": partition} if partition else {})
        return bool(wanted)

    def _run(self, keys: Sequence[dg.AssetKey], tags: dict[str, str]) -> None:
        result = self.job.execute_in_process(
            instance=self.instance, asset_selection=list(keys), tags=tags, raise_on_error=False
        )
        if not result.success:
            said = [str(event.step_failure_data.error) for event in result.all_events if event.is_step_failure]
            self.failed.append(f"{sorted(key.to_user_string() for key in keys)} {tags}: {said[:1]}")

    @property
    def registry(self) -> ModelRegistry:
        return ModelRegistry(self.settings.tracking_uri, self.settings.model_files_root)

    def rows(self, table: str) -> pd.DataFrame:
        """All rows of a table."""
        lakehouse = Lakehouse(self.settings.lake_root)
        engine = DuckDBEngine(spill_folder=self.settings.staging_folder / "spill", threads=1)
        return read(lakehouse, engine, lakehouse.snapshot(table), None).to_pandas()

    def days_since_first(self, column: pd.Series) -> pd.Series:
        """Dates as numbers of days."""
        return (pd.to_datetime(column) - pd.Timestamp(FIRST_DAY)).dt.days

    def train(self, day: int) -> None:
        """Train as of a day and take the model as it is, as somebody does who begins."""
        tags = {"dagster/partition": self.date_of(day).isoformat()}
        assets = [self.spec.table(suffix) for suffix in ("training_set", "model", "champion")]
        self._run([dg.AssetKey(name) for name in (*assets, "promotion_decisions")], tags)
        if self.registry.champion(self.spec.name) is None:
            self.promote_by_hand()

    def look_back(self, first: int, last: int) -> None:
        """What the days would have said and decided, each table over all of them in one run: a range gives its days."""
        mature = last - self.spec.label.maturity_days
        for name, until in (("scores", last), ("drift", last), ("validation", mature)):
            self._range(self.spec.table(name), first, until)
        self._range("retrain_decisions", first, last)

    def _range(self, table: str, first: int, last: int) -> None:
        tags = {"start": self.date_of(first).isoformat(), "end": self.date_of(last).isoformat()}
        self._run([dg.AssetKey(table)], {f"dagster/asset_partition_range_{end}": day for end, day in tags.items()})

    def plant_bad_challenger(self, day: int) -> int:
        """Register a version that learnt from shuffled labels and let the gate judge it; returns its number."""
        from platform_assets.domain.modelling.training import train

        training_date = self.date_of(day)
        self._run([dg.AssetKey(self.spec.table("training_set"))], {"dagster/partition": training_date.isoformat()})
        rows = self.rows(self.spec.table("training_set"))
        rows = rows[pd.to_datetime(rows["training_date"]) == pd.Timestamp(training_date)].reset_index(drop=True)
        shuffled = rows["label"].sample(frac=1, random_state=1).to_numpy()
        bad = train(rows.assign(label=shuffled), self.spec, training_date)
        version = self.registry.register(self.spec, bad, card="# Learnt from shuffled labels", picture=b"")
        self._run([dg.AssetKey(self.spec.table("champion")), dg.AssetKey("promotion_decisions")], {})
        return version.version

    def promote_by_hand(self) -> None:
        """Make the last trained version champion, as somebody does who takes a first model as it is."""
        challenger = self.registry.challenger(self.spec.name)
        assert challenger is not None
        self.registry.promote(challenger, reason="the first model, taken as it is", decided_by="analyst")
        self._run([dg.AssetKey("promotion_decisions")], {})

    def story(self) -> "Story":
        """What happened, as numbers of days."""
        validation, decisions, promotions = (
            self.rows(table) for table in (self.spec.table("validation"), "retrain_decisions", "promotion_decisions")
        )
        return Story(
            validation.assign(day=self.days_since_first(validation["event_date"])).sort_values("day"),
            decisions.assign(
                day=self.days_since_first(decisions["decision_date"]),
                noticed=self.days_since_first(decisions["noticed_date"]),
                due=self.days_since_first(decisions["due_date"]),
            ).sort_values("day"),
            promotions.assign(day=self.days_since_first(promotions["training_date"])).sort_values("decided_at"),
        )


@dataclass(frozen=True)
class Story:
    """Rows of the model's tables in the order of their `day`: validated days, decisions (also `noticed`, `due`), and
    verdicts of the gate by training day."""

    validation: pd.DataFrame
    decisions: pd.DataFrame
    promotions: pd.DataFrame

    @property
    def trainings(self) -> list[int]:
        """The days on which the engine decided to train."""
        return self.decisions.loc[self.decisions["retrain"], "day"].astype(int).tolist()

    @property
    def promoted(self) -> list[int]:
        """The training days of the versions that the gate made champion."""
        return self.promotions.loc[self.promotions["decision"] == "promoted", "day"].astype(int).tolist()
