"""Finds the rows of a person in every data file of the lakehouse, whether a version names the file or not.

What counts as theirs is said in `platform_assets.domain.erasure`; what is done about it in `erasure`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import ibis

from platform_assets.domain.contracts.events import EVENTS
from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets.domain.erasure import Person, holds
from platform_assets.domain.source import Source
from resources.compute.engine import Engine
from resources.lakehouse.table_folder import StoredFile, TableFolder
from resources.lakehouse.tables import QUARANTINE_SUFFIX, Lakehouse

RAW_PREFIX = "raw_"
PATH = "path_of_file"
"""Column that says in which file a row stands, while it is searched."""
BATCH_BYTES = 2**30
"""Files that are searched in one query; of remote ones that many are copied at a time."""


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
        files = [file for file in folder.files() if file.is_data or file.is_temporary]
        for batch in _batches([file for file in files if (table, file.path) not in self._known]):
            with ExitStack() as copies:
                local = {file: copies.enter_context(folder.as_local(file.path, self.scratch)) for file in batch}
                self._known |= {(table, held.file.path): held for held in self._look(table, local)}
            for file in batch:
                self._known.setdefault((table, file.path), None)
        found = [self._known[table, file.path] for file in files]
        return [held for held in found if held is not None]

    def user_ids(self) -> frozenset[str]:
        """The ids of all persons that the identifiers ever belonged to, as any data file of `user_ids` tells."""
        folder, found = TableFolder(self.lakehouse, USER_IDS.name), set()
        for batch in _batches([file for file in folder.files() if file.is_data]):
            with ExitStack() as copies:
                local = {file: copies.enter_context(folder.as_local(file.path, self.scratch)) for file in batch}
                by_schema, _ = _readable(local)
                for schema, files in by_schema.items():
                    rows = self._rows(USER_IDS.name, schema, [str(local[file]) for file in files])
                    theirs = rows.filter(rows.identifier.isin(self.person.all_pseudonyms))
                    former = ibis.union(theirs.select("user_id"), theirs.select(user_id="previous_user_id"))
                    found |= {row["user_id"] for row in _rows(former.distinct())}
        return frozenset(found - {None})

    def order(self) -> list[str]:
        """Every table, raw ones first, each right behind its quarantine; `user_ids` and `events` last.

        What is published from raw tables meanwhile is then made without the person; and an erasure that was broken off
        still finds in these two which persons an identifier belonged to, and what was seen with a login.
        """
        names = self.lakehouse.table_names()
        owners = {name.removesuffix(QUARANTINE_SUFFIX) for name in names}
        last = [USER_IDS.name, EVENTS.name]
        in_order = sorted(owners - set(last), key=lambda name: (not name.startswith(RAW_PREFIX), name))
        in_order += [name for name in last if name in owners]
        return [each for name in in_order for each in (name + QUARANTINE_SUFFIX, name) if each in names]

    def _look(self, table: str, local: Mapping[StoredFile, Path]) -> Iterator[HeldFile]:
        """Files with the same columns are searched in one query."""
        by_schema, unreadable = _readable(local)
        for file in unreadable:
            yield HeldFile(table, file, _slice_value(file.path), None)
        for schema, files in by_schema.items():
            yield from self._held_of(table, schema, {str(local[file]): file for file in files})

    def _held_of(self, table: str, schema: ibis.Schema, files: Mapping[str, StoredFile]) -> Iterator[HeldFile]:
        rows = self._rows(table, schema, list(files))
        theirs = self.theirs(table, rows)
        counts = {row[PATH]: row["rows"] for row in _rows(theirs.group_by(PATH).aggregate(rows=theirs.count()))}
        landed: dict[str, set[str]] = {path: set() for path in counts}
        models: dict[str, set[tuple[str, int]]] = {path: set() for path in counts}
        if counts and "file" in schema:
            for row in _rows(theirs.filter(theirs.file.notnull()).select(PATH, "file").distinct()):
                landed[row[PATH]].add(row["file"])
        if counts and {"model_name", "model_version"} <= schema.keys():
            for row in _rows(theirs.select(PATH, "model_name", "model_version").distinct()):
                models[row[PATH]].add((row["model_name"], row["model_version"]))
        for path, count in sorted(counts.items()):
            file = files[path]
            value = _slice_value(file.path)
            yield HeldFile(table, file, value, count, frozenset(landed[path]), frozenset(models[path]))

    def _rows(self, table: str, schema: ibis.Schema, paths: Sequence[str]) -> ibis.Table:
        """The rows of files with these columns, and which file each stands in."""
        plain = {name: "timestamp" if dtype.is_timestamp() else dtype for name, dtype in schema.items()}
        return self.engine.read_parquet(table, paths, ibis.schema({**plain, PATH: "string"}), None, path_column=PATH)

    def theirs(self, table: str, rows: ibis.Table) -> ibis.Table:
        """The person's rows among some rows of a table."""
        rows = self._with_all_columns(table, rows)
        return rows.filter(holds(rows, self.person, self.source_of(table), besides=(PATH,)))

    def others(self, table: str, rows: ibis.Table) -> ibis.Table:
        """The rows that are not the person's, with the columns they came with."""
        complete = self._with_all_columns(table, rows)
        return complete.filter(~holds(complete, self.person, self.source_of(table))).select(*rows.columns)

    def _with_all_columns(self, table: str, rows: ibis.Table) -> ibis.Table:
        """Rows of a raw table with every column of its source; files that are older than a column lack it."""
        source = self.source_of(table)
        names = [source.raw_column(each) for each in source.source_fields] if source else []
        return rows.mutate(**{name: ibis.null(str) for name in names if name not in rows.columns})


def _readable(local: Mapping[StoredFile, Path]) -> tuple[dict[ibis.Schema, list[StoredFile]], list[StoredFile]]:
    """Files by their columns, and those that no Parquet reader can open."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    by_schema: dict[ibis.Schema, list[StoredFile]] = {}
    unreadable: list[StoredFile] = []
    for file, path in local.items():
        try:
            schema = ibis.Schema.from_pyarrow(pq.read_schema(path))
        except pa.ArrowInvalid:
            unreadable.append(file)
        else:
            by_schema.setdefault(schema, []).append(file)
    return by_schema, unreadable


def _batches(files: Sequence[StoredFile]) -> Iterator[list[StoredFile]]:
    batch: list[StoredFile] = []
    for file in files:
        if batch and sum(each.bytes for each in batch) + file.bytes > BATCH_BYTES:
            yield batch
            batch = []
        batch.append(file)
    if batch:
        yield batch


def _rows(table: ibis.Table) -> list[dict]:
    return table.to_pyarrow().to_pylist()


def _slice_value(path: str) -> str | None:
    folder, _, _ = path.rpartition("/")
    return unquote(folder.partition("=")[2]) if "=" in folder else None
