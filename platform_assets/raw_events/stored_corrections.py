"""Where a source's corrections are kept: a Delta table of its own, cut by landing day, published like any other.

What a correction does stands in `corrections`; which ones are taken is decided by the command `platform quarantine`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from platform_assets.domain.contracts.corrections import corrections_contract
from platform_assets.domain.source import Source
from platform_assets.raw_events.corrections import Correction
from resources.compute.engine import Engine
from resources.lakehouse.io_manager import read
from resources.lakehouse.publish import NO_TABLE, publish
from resources.lakehouse.slicing import slicing_for
from resources.lakehouse.tables import SLICES_NOTE, Lakehouse


def corrections_in(rows: ibis.Table | None) -> list[Correction]:
    """The corrections that a corrections table holds (None: there is no such table)."""
    if rows is None:
        return []
    return [_correction(row) for row in rows.to_pyarrow().to_pylist()]


def _correction(row: Mapping[str, Any]) -> Correction:
    return Correction(**{field.name: row[field.name] for field in fields(Correction)})


class StoredCorrections:
    """The corrections of one source in a lakehouse."""

    def __init__(self, source: Source, lakehouse: Lakehouse, engine: Engine, staging_folder: Path) -> None:
        self._raw_table = source.raw_contract().name
        self.contract = corrections_contract(self._raw_table)
        self._lakehouse, self._engine, self._staging_folder = lakehouse, engine, staging_folder

    def rows(self, days: Sequence[date] | None = None) -> tuple[list[dict[str, Any]], int]:
        """The stored rows of some landing days (None: of all), and the version they stand in, for `replace`."""
        if not self._lakehouse.exists(self.contract.name):
            return [], NO_TABLE
        snapshot = self._lakehouse.snapshot(self.contract.name)
        slices = None if days is None else [day.isoformat() for day in days]
        stored = read(self._lakehouse, self._engine, snapshot, slices)
        return stored.select(*self.contract.column_names).to_pyarrow().to_pylist(), snapshot.version

    def of(self, days: Sequence[date]) -> list[Correction]:
        """The corrections of some landing days."""
        return [_correction(row) for row in self.rows(days)[0]]

    def replace(self, days: Sequence[date], rows: Sequence[Mapping[str, Any]], *, based_on: int, batch: str) -> None:
        """Publish these rows as all corrections of some landing days.

        Raises PublishedMeanwhile if the table has another version than `based_on`: what somebody else has stored since
        would be lost.
        """
        schema = self.contract.schema()
        publish(
            ibis.memtable(pa.Table.from_pylist([dict(row) for row in rows], schema.to_pyarrow()), schema=schema),
            self.contract,
            slicing_for(self.contract, None),
            [day.isoformat() for day in days],
            engine=self._engine,
            lakehouse=self._lakehouse,
            staging_folder=self._staging_folder,
            provenance={"release": batch},
            allow_emptying=True,
            based_on=based_on,
        )

    def uncomputed(self) -> list[str]:
        """Landing days whose corrections were stored after the raw table had read them last: a release broke off there.

        Told from the notes of both tables' commits.
        """
        stored_at: dict[str, int] = {}
        for entry in self._history(self.contract.name):
            for day in json.loads(entry.get(SLICES_NOTE, "{}")):
                stored_at.setdefault(day, int(entry["version"]))
        read_at: dict[str, int] = {}
        for entry in self._history(self._raw_table) if stored_at else ():
            versions = json.loads(entry.get("input_versions", "null"))
            for day in json.loads(entry.get(SLICES_NOTE, "{}")) if versions is not None else ():
                read_at.setdefault(day, versions.get(self.contract.name, NO_TABLE))
        return sorted(day for day, version in stored_at.items() if version > read_at.get(day, version))

    def _history(self, table: str) -> list[dict[str, Any]]:
        """The table's commits, newest first."""
        return self._lakehouse.snapshot(table).delta.history() if self._lakehouse.exists(table) else []
