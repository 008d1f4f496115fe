"""Computes published partitions again from what they were computed from, beside the lake, and compares the rows.

Inputs are read at the recorded Delta versions and models at the recorded versions; the result goes to a scratch lake.
Nothing is written to the lake, the registry or the Dagster instance. Which code runs is decided in `replay`.
"""

import difflib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from platform_assets.cli.changed_partitions import contiguous
from platform_assets.definitions import build_definitions
from platform_assets.domain.errors import PlatformError
from platform_assets.table_asset import NOT_REPLAYABLE
from resources.compute.duckdb_engine import DuckDBEngine
from resources.compute.engine import Engine
from resources.lakehouse.io_manager import DeltaIOManager, read, schema_of
from resources.lakehouse.slice_values import slice_values
from resources.lakehouse.slicing import published_slicing
from resources.lakehouse.tables import SLICES_NOTE, Lakehouse, Snapshot
from resources.model_registry.resource import ModelRegistryResource
from resources.settings import Settings

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Run configuration that keeps Dagster's log off the terminal."""


class CantReplay(PlatformError):
    """A publication that can't be computed again."""


@dataclass(frozen=True)
class PinnedLakehouse(Lakehouse):
    """The lake as a publication saw it: every table at the version that was read."""

    versions: Mapping[str, int] = field(default_factory=dict)

    def exists(self, table: str) -> bool:
        """Whether the table was read."""
        return table in self.versions and super().exists(table)

    def snapshot(self, table: str, version: int | None = None) -> Snapshot:
        """The table at its recorded version; raises CantReplay for a table that was not read then."""
        if version is None and table not in self.versions:
            raise CantReplay(
                f"the code reads {table}, the publication was computed without it",
                where=self.uri(table),
                todo="replay by the revision that published it",
            )
        return super().snapshot(table, self.versions[table] if version is None else version)


@dataclass(frozen=True)
class Published:
    """One publication: the version that it made, and the slices that it replaced (None: the whole table)."""

    table: str
    version: int
    slices: frozenset[str] | None
    notes: Mapping[str, Any]

    def note(self, name: str) -> dict[str, int]:
        """One of the notes that name versions: `input_versions` or `input_models`."""
        return json.loads(self.notes.get(name) or "{}")


@dataclass(frozen=True)
class Difference:
    """How recomputed rows differ from published ones: `missing` rows were not made again, `surplus` ones are new.

    `rows` are a few of both; `only` in them says on which side a row is.
    """

    published: int
    missing: int
    surplus: int
    rows: Sequence[Mapping[str, Any]]


def publications(lakehouse: Lakehouse, table: str) -> Iterator[Published]:
    """Every publication of a table with the slices that it published, the newest first."""
    snapshot = lakehouse.snapshot(table)
    for entry in snapshot.delta.history():
        if "input_versions" in entry:
            slices = frozenset(json.loads(entry.get(SLICES_NOTE, "{}")))
            yield Published(table, int(entry["version"]), slices if snapshot.slice_column else None, entry)


class Recomputation:
    """Assets computed again in a scratch lake that is gone when the context ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = tempfile.TemporaryDirectory(prefix="replay-", dir=_made(settings.staging_folder))
        self._engine = DuckDBEngine.from_settings(settings)
        self.lakehouse = Lakehouse(settings.lake_root)
        self.definitions = build_definitions(settings)

    def __enter__(self) -> "Recomputation":
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()

    def partitions(self, asset: str) -> dg.PartitionsDefinition | None:
        """How an asset is partitioned. Raises CantReplay for an asset whose computation changes more than its table."""
        node = self._node(asset)
        reason = node.metadata_by_key[node.key].get(NOT_REPLAYABLE)
        if reason:
            raise CantReplay("it can't just be computed again", where=f"asset {asset}", todo=str(reason))
        return node.partitions_def

    def plan(
        self, asset: str, partition: str | None = None, version: int | None = None
    ) -> list[tuple[Published, list[str] | None]]:
        """What to compute again: publications with a contiguous range of partition keys each (None: no partitions).

        Each published partition (or the one asked for) with its latest publication, or with that of `version`. Raises
        CantReplay where nothing is to be computed.
        """
        definition = self.partitions(asset)
        found = [each for each in publications(self.lakehouse, asset) if version in (None, each.version)]
        if definition is None and found:
            return [(found[0], None)]
        order = definition.get_partition_keys() if definition else []
        if partition is not None and partition not in order:
            raise CantReplay(
                f"there is no partition {partition}",
                where=f"asset {asset}",
                todo=f"name one from {order[0]} to {order[-1]}" if order else "leave --partition out",
            )
        keys_of: dict[int, list[str]] = {}
        for key in [partition] if partition else order:
            wanted = set(self.slices(asset, [key]) or ())
            made = next((each for each in found if each.slices is None or wanted & each.slices), None)
            if made is not None:
                keys_of.setdefault(made.version, []).append(key)
        by_version = {each.version: each for each in found}
        ranges: list[tuple[Published, list[str] | None]] = [
            (by_version[made], list(order[order.index(first) : order.index(last) + 1]))
            for made, keys in sorted(keys_of.items(), reverse=True)
            for first, last in contiguous(keys, order)
        ]
        if not ranges:
            asked = f"partition {partition}" if partition else "partition"
            raise CantReplay(
                f"no {asked} was published" + (f" in version {version}" if version is not None else ""),
                where=self.lakehouse.uri(asset),
                todo="`platform tables` shows what is published",
            )
        return ranges

    def code_version(self, asset: str) -> str:
        """The version of the code that would compute the asset now."""
        node = self._node(asset)
        return node.code_versions_by_key[node.key] or ""

    def _node(self, asset: str) -> dg.AssetsDefinition:
        tables = {
            node.key.path[-1]: node
            for node in self.definitions.assets or ()
            if isinstance(node, dg.AssetsDefinition) and "dagster/table_name" in node.metadata_by_key.get(node.key, {})
        }
        if asset not in tables and self.definitions.resolve_asset_graph().has(dg.AssetKey(asset)):
            raise CantReplay("it is no table", where=f"asset {asset}", todo="replay the tables it was made from")
        if asset not in tables:
            near = difflib.get_close_matches(asset, tables, n=1)
            raise CantReplay(
                "no such table is made here",
                where=asset,
                todo=f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(tables))}",
            )
        return tables[asset]

    def slices(self, asset: str, keys: Sequence[str] | None) -> list[str] | None:
        """The slice values of partition keys; None: all of the table."""
        snapshot = self.lakehouse.snapshot(asset)
        slicing = published_slicing(snapshot, schema_of(snapshot), self.partitions(asset))
        return slice_values(asset, slicing, self.partitions(asset), keys)

    def difference(self, published: Published, keys: Sequence[str] | None, *, shown: int = 5) -> Difference:
        """Compute the partitions `keys` (one after the other in the asset's order; None: no partitions) again, and
        compare them with the publication. Raises what the asset raises."""
        scratch = self._materialise(published, self._computed_with(published, keys))
        slices = self.slices(published.table, keys)
        then = self.lakehouse.snapshot(published.table, published.version)
        now = scratch.snapshot(published.table)
        columns = [name for name in schema_of(then) if name in schema_of(now)]
        old = read(self.lakehouse, self._engine, then, slices).select(*columns)
        new = read(scratch, self._engine, now, slices).select(*columns)
        missing, surplus = old.difference(new, distinct=False), new.difference(old, distinct=False)
        some = [
            {"only": side, **row}
            for side, table in (("published", missing), ("recomputed", surplus))
            for row in table.order_by(columns).limit(shown).to_pyarrow().to_pylist()
        ]
        published_rows, lost, new_rows = (int(table.count().to_pyarrow().as_py()) for table in (old, missing, surplus))
        return Difference(published_rows, lost, new_rows, some)

    def _computed_with(self, published: Published, keys: Sequence[str] | None) -> Sequence[str] | None:
        """The range to compute so that `keys` are: a table that continues its own partitions, from the first partition
        of the publication on, because within a run the later ones continue the earlier ones."""
        node = self._node(published.table)
        if not keys or node.partitions_def is None or node.key not in node.dependency_keys:
            return keys
        order = list(node.partitions_def.get_partition_keys())
        together = (set(self.slices(published.table, [key]) or ()) & (published.slices or set()) for key in order)
        first = next(key for key, found in zip(order, together, strict=True) if found)
        return order[order.index(first) : order.index(keys[-1]) + 1]

    def _materialise(self, published: Published, keys: Sequence[str] | None) -> Lakehouse:
        folder = Path(tempfile.mkdtemp(dir=self._folder.name))
        scratch = Lakehouse(str(folder / "lake"))
        definitions = build_definitions(self._settings, self._overrides(published, scratch, folder / "staging"))
        key = dg.AssetKey(published.table)
        job = definitions.resolve_implicit_global_asset_job_def().get_subset(asset_selection={key})
        tags = (
            {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
            if keys
            else {}
        )
        with dg.DagsterInstance.ephemeral() as instance:
            self._tell_what_has_landed(instance)
            job.execute_in_process(instance=instance, tags=tags, run_config=QUIET)
        return scratch

    def _overrides(self, published: Published, scratch: Lakehouse, staging: Path) -> dict[str, Any]:
        resources = build_definitions(self._settings).resources or {}
        engine: Engine = resources["engine"]
        inputs = PinnedLakehouse(
            self.lakehouse.root, self.lakehouse.storage_options, versions=published.note("input_versions")
        )
        registry: ModelRegistryResource = resources["model_registry"]
        pinned = registry.model_copy(update={"pinned_champions": published.note("input_models")})
        io_manager = DeltaIOManager(scratch, engine, staging, allow_emptying=True, inputs=inputs)
        return {"engine": engine, "lakehouse": io_manager, "model_registry": pinned}

    def _tell_what_has_landed(self, instance: dg.DagsterInstance) -> None:
        """Some assets wait until raw tables have landed far enough; the scratch instance learns it from the lake."""
        for table in self.lakehouse.table_names():
            if table.startswith("raw_") and self.definitions.resolve_asset_graph().has(dg.AssetKey(table)):
                for day in self.lakehouse.slice_notes(table):
                    instance.report_runless_asset_event(dg.AssetMaterialization(table, partition=day))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
