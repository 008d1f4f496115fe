"""A platform whose sensors are ticked and whose requested runs are executed here, as the daemon would do it."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from platform_assets.automation.partition_requests import FIRST_TAG, LAST_TAG, PARTITION_TAG
from platform_assets.definitions import build_definitions
from platform_assets.domain.errors import PlatformError
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.publication_history import publication_history
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
WEB = """
sources:
  - name: web
    description: Page views of a small site.
    format: json_lines
    place: "{landing_zone}/web/{landing_date}/*.jsonl"
    simulated: true
    lateness_days: 2
    event_type: {constant: page_view}
    fields: {event_time: time, event_id: id, cookie_id: cookie}
"""
SHOP = """
  - name: shop
    description: Purchases of a small shop.
    format: json_lines
    place: "{landing_zone}/shop/{landing_date}/*.jsonl"
    simulated: true
    lateness_days: 1
    event_type: {constant: purchase}
    fields: {event_time: time, event_id: id, cookie_id: cookie, value: value}
"""


@dataclass
class SelfRunning:
    """A landing zone, a lake, and an instance that remembers every run."""

    settings: Settings
    instance: dg.DagsterInstance
    done: list[str] = field(default_factory=list)
    definitions: dg.Definitions = field(init=False)

    def __post_init__(self) -> None:
        self.definitions = build_definitions(self.settings)

    @classmethod
    def at(
        cls, home: Path, instance: dg.DagsterInstance, days: Sequence[date], sources: str = WEB + SHOP
    ) -> "SelfRunning":
        """Nothing has landed yet; the partitions are the days from the first to the last given."""
        home.mkdir(parents=True, exist_ok=True)
        (home / "sources.yaml").write_text(sources, encoding="utf-8")
        settings = Settings(home=home, sources_file=home / "sources.yaml", first_day=days[0], last_day=days[-1])
        return cls(settings, instance)

    def land(self, source: str, day: date, name: str, *records: Mapping[str, Any], at: datetime = LONG_AGO) -> Path:
        """Put a file into the folder of a landing day; `at` is when it was written."""
        path = Path(self.settings.landing_root) / source / str(day) / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
        os.utime(path, (at.timestamp(), at.timestamp()))
        return path

    def tick(self, sensor: str) -> tuple[list[dg.RunRequest], str]:
        """What a sensor requests, and why it doesn't if it doesn't; a run key that was run already is passed over."""
        definition = self.definitions.resolve_sensor_def(sensor)
        needed = {name: (self.definitions.resources or {})[name] for name in definition.required_resource_keys}
        with dg.build_sensor_context(
            instance=self.instance, definitions=self.definitions, sensor_name=sensor, resources=needed
        ) as context:
            data = definition.evaluate_tick(context)
        requests = [request for request in data.run_requests or () if request.run_key not in self.done]
        return requests, data.skip_message or ""

    def run(self, *assets: str, tags: Mapping[str, str], check: bool = True) -> dg.ExecuteInProcessResult:
        """Run assets over the partitions that the tags name."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        keys = [dg.AssetKey(asset) for asset in assets]
        return job.execute_in_process(
            instance=self.instance, tags=dict(tags), asset_selection=keys, raise_on_error=check
        )

    def obey(self, request: dg.RunRequest, *, check: bool = True) -> bool:
        """Run what was requested; returns whether it succeeded."""
        assert request.run_key
        self.done.append(request.run_key)
        names = [key.to_user_string() for key in request.asset_selection or ()]
        with suppress(*([] if check else [PlatformError])):
            return self.run(*names, tags=request.tags, check=check).success
        return False

    def until_quiet(self) -> list[str]:
        """Tick both sensors and do what they ask for until they ask for nothing; returns what was run."""
        ran = []
        while requests := self.tick("landed_files")[0] or self.tick("late_events")[0]:
            for request in requests:
                self.obey(request)
                ran.append(asked(request))
        return ran

    @property
    def lakehouse(self) -> Lakehouse:
        return Lakehouse(self.settings.lake_root)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table in the order of their values."""
        engine = DuckDBEngine(spill_folder=self.settings.staging_folder / "spill", threads=1)
        found = read(self.lakehouse, engine, self.lakehouse.snapshot(table), None)
        return sorted(found.to_pyarrow().to_pylist(), key=str)

    def versions(self, table: str) -> dict[str, int]:
        """The version at which each partition was published last."""
        return {day: notes.version for notes in publication_history(self.lakehouse, table) for day in notes.slices}


def asked(request: dg.RunRequest) -> str:
    """A request in short: `events 2026-01-05...2026-01-07`."""
    (asset,) = request.asset_selection or ()
    first = request.tags.get(FIRST_TAG) or request.tags[PARTITION_TAG]
    last = request.tags.get(LAST_TAG, first)
    return f"{asset.to_user_string()} {first}" + (f"...{last}" if last != first else "")
