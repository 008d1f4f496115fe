"""A platform with one source of JSON lines whose files hold broken records, and the way back for them."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg

from platform_assets.cli.quarantine.workbench import Workbench
from platform_assets.definitions import build_definitions, declared_sources
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

DAYS = [f"2026-01-{day:02d}" for day in range(5, 12)]
RAW = "raw_shop"
DECLARED = """\
sources:
  - name: shop
    format: {format}
    place: "{{landing_zone}}/shop/{{landing_date}}/*"
    lateness_days: 2
    event_type: {{constant: view}}
    fields: {{event_time: time, cookie_id: cookie, item: item, value: value}}
"""


def record(time: str, item: str, cookie: str = "c", **fields: str) -> str:
    """A JSON line; a time without `Z` tells no zone."""
    return json.dumps({"time": time, "cookie": cookie, "item": item, **fields})


@dataclass
class QuarantineWorld:
    """One source below one home. `runs` lists what was materialised, `told` what a release said."""

    home: Path
    format: str = "json_lines"
    runs: list[tuple[str, str, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.declare()

    def copied(self, home: Path) -> "QuarantineWorld":
        """The same world, with what is computed, below another home."""
        shutil.copytree(self.home, home)
        return QuarantineWorld(home, self.format)

    def declare(self, more: str = "") -> None:
        """Write the source's declaration, with further keys."""
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "sources.yaml").write_text(DECLARED.format(format=self.format) + more)
        self.__dict__.pop("definitions", None)

    def land(self, day: str, *lines: str, name: str = "a") -> None:
        path = Path(self.settings.landing_root) / "shop" / day / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))

    @cached_property
    def settings(self) -> Settings:
        return Settings(
            environment="laptop",
            home=self.home,
            sources_file=self.home / "sources.yaml",
            pseudonym_key="a-key-that-only-tests-know",
            first_day=date.fromisoformat(DAYS[0]),
            last_day=date.fromisoformat(DAYS[-1]),
        )

    @cached_property
    def definitions(self) -> dg.Definitions:
        return build_definitions(self.settings)

    @property
    def bench(self) -> Workbench:
        sources = declared_sources(self.settings)
        engine = DuckDBEngine.from_settings(self.settings)
        lakehouse = Lakehouse(self.settings.lake_root)
        return Workbench(self.settings, self.definitions, sources, lakehouse, engine, self.run, self.told.append)

    def run(self, asset: str, span: tuple[str, str] | None) -> None:
        first, last = span or (DAYS[0], DAYS[-1])
        self.runs.append((asset, first, last))
        job = self.definitions.resolve_implicit_global_asset_job_def().get_subset(asset_selection={dg.AssetKey(asset)})
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        with dg.DagsterInstance.ephemeral() as instance:
            job.execute_in_process(instance=instance, tags=tags)

    def compute(self) -> None:
        """Raw table and events of all days."""
        for asset in (RAW, "events"):
            self.run(asset, None)
        self.runs.clear()

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Published rows; an empty list where nothing was published."""
        lakehouse = Lakehouse(self.settings.lake_root)
        if not lakehouse.exists(table):
            return []
        rows = read(lakehouse, DuckDBEngine.from_settings(self.settings), lakehouse.snapshot(table), None)
        return sorted(rows.to_pyarrow().to_pylist(), key=str)

    def items(self) -> dict[str, list[str]]:
        """The items of the events, by day."""
        found: dict[str, list[str]] = {}
        for row in self.rows("events"):
            found.setdefault(row["event_date"].isoformat(), []).append(row["item"])
        return {day: sorted(items) for day, items in sorted(found.items())}

    def quarantined(self, table: str = RAW) -> list[tuple[str, int, str]]:
        """Quarantined rows as (file, line, rule)."""
        rows = self.rows(f"{table}_quarantine")
        return sorted((row["file"], int(row["line"]), row["reason"].split(":")[0]) for row in rows)

    def accounted(self, table: str = RAW) -> int:
        """Rows that went into a table: published, quarantined and dropped ones."""
        notes = Lakehouse(self.settings.lake_root).slice_notes(table).values()
        return sum(note.rows + note.quarantined + note.dropped for note in notes)

    def written(self, table: str = "events") -> dict[str, int]:
        """The Delta version at which every partition was published last."""
        found: dict[str, int] = {}
        for entry in Lakehouse(self.settings.lake_root).snapshot(table).delta.history():
            for key in json.loads(entry.get("slices", "{}")):
                found.setdefault(key, entry["version"])
        return found

    def mended(self, *rows: Mapping[str, Any] | str) -> Path:
        """A file of mended rows."""
        path = self.home / "mended.jsonl"
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
        return path


def row(file: str, line: int, text: str, partition: str | None = None) -> dict[str, Any]:
    """A mended row."""
    return {"file": file, "line": line, "record": text} | ({"partition": partition} if partition else {})


def changed(before: Mapping[str, int], after: Mapping[str, int]) -> Sequence[str]:
    """The partitions that were published in between."""
    return sorted(key for key in after if after[key] != before.get(key))
