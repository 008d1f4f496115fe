"""Finds the rows of a person in every data file of the lakehouse, whether a version names the file or not.

What counts as theirs is said in `platform_assets.domain.erasure`; what is done about it in `erasure`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import ibis

from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.erasure import Person, holds
from platform_assets.domain.source import Source
from resources.compute.engine import Engine
from resources.lakehouse.table_folder import StoredFile, TableFolder
from resources.lakehouse.tables import QUARANTINE_SUFFIX, Lakehouse

RAW_PREFIX = "raw_"


@dataclass(frozen=True)
class HeldFile:
    """A data file that holds a person. `rows` is None where the file can't be read: a killed writer left it."""

    table: str
    file: StoredFile
    slice_value: str | None
    rows: int | None
    landed_files: frozenset[str] = frozenset()
    model_versions: frozenset[tuple[str, int]] = frozenset()
    """(registered name, version) of the models that the person's rows name."""


@dataclass
class PersonSearch:
    """Looks for one person. A data file never changes, so each is looked at once."""

    lakehouse: Lakehouse
    engine: Engine
    person: Person
    sources: Mapping[str, Source]
    scratch: Path
    _known: dict[tuple[str, str], HeldFile | None] = field(default_factory=dict)

    def source_of(self, table: str) -> Source | None:
        """The source whose records a raw table holds, None for any other table."""
        return self.sources.get(table)

    def in_table(self, table: str) -> list[HeldFile]:
        """The files of a table that hold the person, live or not."""
        folder = TableFolder(self.lakehouse, table)
        found = [self._in_file(folder, file) for file in folder.files() if file.is_data or file.is_temporary]
        return [held for held in found if held is not None]

    def order(self) -> list[str]:
        """Every table, raw ones first, each right behind its quarantine; `events` last.

        What is published from raw tables meanwhile is then made without the person; and an erasure that was broken off
        still finds in `events` which other identifiers were seen with a login.
        """
        names = self.lakehouse.table_names()
        owners = {name.removesuffix(QUARANTINE_SUFFIX) for name in names}
        in_order = sorted(owners, key=lambda name: (name == EVENTS.name, not name.startswith(RAW_PREFIX), name))
        return [each for name in in_order for each in (name + QUARANTINE_SUFFIX, name) if each in names]

    def _in_file(self, folder: TableFolder, file: StoredFile) -> HeldFile | None:
        place = (folder.table, file.path)
        if place not in self._known:
            with folder.as_local(file.path, self.scratch) as path:
                self._known[place] = self._look(folder.table, file, path)
        return self._known[place]

    def _look(self, table: str, file: StoredFile, path: Path) -> HeldFile | None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        slice_value = _slice_value(file.path)
        try:
            schema = ibis.Schema.from_pyarrow(pq.read_schema(path))
        except pa.ArrowInvalid:
            return HeldFile(table, file, slice_value, None)
        plain = {name: "timestamp" if dtype.is_timestamp() else dtype for name, dtype in schema.items()}
        rows = self.engine.read_parquet(table, [str(path)], ibis.schema(plain), None)
        rows = self.theirs(table, rows)
        count = rows.count().to_pyarrow().as_py()
        if not count:
            return None
        landed = rows.select("file").distinct().to_pyarrow()["file"].to_pylist() if "file" in plain else []
        models = []
        if {"model_name", "model_version"} <= plain.keys():
            models = rows.select("model_name", "model_version").distinct().to_pyarrow().to_pylist()
        return HeldFile(
            table,
            file,
            slice_value,
            count,
            frozenset(name for name in landed if name),
            frozenset((row["model_name"], row["model_version"]) for row in models),
        )

    def theirs(self, table: str, rows: ibis.Table) -> ibis.Table:
        """The person's rows among some rows of a table."""
        rows = self._with_all_columns(table, rows)
        return rows.filter(holds(rows, self.person, self.source_of(table)))

    def others(self, table: str, rows: ibis.Table) -> ibis.Table:
        """The rows that are not the person's, with the columns they came with."""
        complete = self._with_all_columns(table, rows)
        return complete.filter(~holds(complete, self.person, self.source_of(table))).select(*rows.columns)

    def _with_all_columns(self, table: str, rows: ibis.Table) -> ibis.Table:
        """Rows of a raw table with every column of its source; files that are older than a column lack it."""
        source = self.source_of(table)
        names = [source.raw_column(each) for each in source.source_fields] if source else []
        return rows.mutate(**{name: ibis.null(str) for name in names if name not in rows.columns})


def _slice_value(path: str) -> str | None:
    folder, _, _ = path.rpartition("/")
    return unquote(folder.partition("=")[2]) if "=" in folder else None
