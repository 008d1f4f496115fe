"""The embedded engine: DuckDB in this process, spilling to disk past its memory limit.

Reads Parquet natively, writes staged results itself; what is staged becomes visible only through
`resources.lakehouse.publish`.
"""

import hashlib
import itertools
import weakref
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import ibis
import ibis.expr.operations as ops

from platform_assets.domain.event_days import DayContent
from resources.compute.engine import DROP, PUBLISH, QUARANTINE, SliceAudit, StagedFile

if TYPE_CHECKING:
    from resources.settings import Settings

ROW_GROUP_ROWS = 122_880
NO_VALUES = frozenset({"__HIVE_DEFAULT_PARTITION__", "NULL"})
"""What the folder of rows without a partition value is named (as Hive does), and what else DuckDB reads as null, in
whatever case."""


class DuckDBEngine:
    """One DuckDB connection. `pseudonym_key` arms `keyed_hash`; without it that function does not exist."""

    name = "duckdb"

    def __init__(
        self, *, spill_folder: Path, memory: str = "2GB", threads: int = 0, pseudonym_key: bytes | None = None
    ) -> None:
        self._spill_folder = spill_folder
        self._memory, self._threads, self._key = memory, threads, pseudonym_key
        self._names = itertools.count()
        self._sources: dict[str, str] = {}
        self._failures: list[Callable[[], Exception | None]] = []
        self._unused: list[str] = []

    @classmethod
    def from_settings(cls, settings: "Settings", pseudonym_key: bytes | None = None) -> "DuckDBEngine":
        """An engine with the settings' memory, threads and spill folder."""
        return cls(
            spill_folder=settings.staging_folder / "spill",
            memory=settings.duckdb_memory,
            threads=settings.duckdb_threads,
            pseudonym_key=pseudonym_key,
        )

    @cached_property
    def backend(self) -> Any:
        """The Ibis backend, connected at first use."""
        self._spill_folder.mkdir(parents=True, exist_ok=True)
        backend = ibis.duckdb.connect()
        run = backend.con.execute
        run("SET TimeZone = 'UTC'")
        run("SET preserve_insertion_order = false")
        run("SET autoinstall_known_extensions = false")
        run("SET enable_progress_bar = false")  # it would be drawn into the logs of every longer step
        run(f"SET memory_limit = {_text(self._memory)}")
        run(f"SET temp_directory = {_text(str(self._spill_folder))}")
        run("SET partitioned_write_max_open_files = 1000")
        run("CREATE MACRO try_url_decode(x) AS TRY(url_decode(x))")
        _add_odds_ratio_at(backend.con)
        if self._threads:
            run(f"SET threads = {self._threads}")
        if self._key is not None:
            run(_keyed_hash_macro(self._key))
        return backend

    def confine(self, folders: Sequence[str]) -> None:
        """From now on open files only in these folders and the spill folder: for queries that somebody else wrote."""
        allowed = [f"{folder.rstrip('/')}/" for folder in (*folders, str(self._spill_folder))]
        self.backend.con.execute(f"SET allowed_directories = {_list(allowed)}")
        self.backend.con.execute("SET enable_external_access = false")

    def from_arrow(self, name: str, batches: Any, failure: Callable[[], Exception | None] = lambda: None) -> ibis.Table:
        """See `Engine.from_arrow`."""
        unique = self._unique(name)
        self._failures.append(failure)
        self.backend.con.register(unique, batches)
        return self.backend.table(unique)

    def read_parquet(
        self,
        table: str,
        files: Sequence[str],
        schema: ibis.Schema,
        slice_column: str | None,
        later_columns: Sequence[str] = (),
        path_column: str | None = None,
    ) -> ibis.Table:
        """See `Engine.read_parquet`."""
        if not files:
            return self._view(table, f"(SELECT {_nulls(schema)} WHERE false)", schema)
        options = ", hive_partitioning = false"
        if slice_column is not None:
            kind = _type(schema[slice_column])
            options = f", hive_partitioning = true, hive_types = {{{_text(slice_column)}: {kind}}}"
        if path_column is not None:
            options += f", filename = {_text(path_column)}"
        if not later_columns:
            return self._view(table, f"read_parquet({_list(files)}{options})", schema)
        # Only here, because it opens the footer of every file. The empty part has the columns that no file may have.
        absent = _nulls(ibis.schema({name: schema[name] for name in later_columns}))
        by_name = f"SELECT * FROM read_parquet({_list(files)}{options}, union_by_name = true)"
        return self._view(table, f"({by_name} UNION ALL BY NAME SELECT {absent} WHERE false)", schema)

    def read_dataset(self, table: str, dataset: Any, schema: ibis.Schema) -> ibis.Table:
        """See `Engine.read_dataset`."""
        unique = self._unique(f"{table}_dataset")
        self.backend.con.register(unique, dataset)
        return self._view(table, _name(unique), schema)

    def computed(self, expression: ibis.Table) -> ibis.Table:
        """See `IteratingEngine.computed`."""
        return self.prepared(ibis.table(expression.schema(), name="computed_rows"))(computed_rows=expression)

    def prepared(self, expression: ibis.Table) -> Callable[..., ibis.Table]:
        """See `IteratingEngine.prepared`. Results that nothing refers to any more are dropped with the next call."""
        sql, schema = self.to_sql(expression), expression.schema()

        def compute(**given: ibis.Table) -> ibis.Table:
            run = self.backend.con.execute
            while self._unused:
                run(f"DROP TABLE {_name(self._unused.pop())}")
            unique = self._unique("computed")
            for name, table in given.items():
                self._stand_for(name, table)
            run(f"CREATE TEMP TABLE {_name(unique)} AS {sql}")
            for name in given:
                run(f"DROP VIEW {_name(name)}")
            namespace = ops.Namespace(catalog="temp", database="main")
            table = ops.DatabaseTable(name=unique, schema=schema, source=self.backend, namespace=namespace)
            weakref.finalize(table, self._unused.append, unique)
            return table.to_expr()

        return compute

    def _stand_for(self, placeholder: str, table: ibis.Table) -> None:
        """A view of the placeholder's name; without asking the database for columns where the table is its own."""
        own = table.op()
        if isinstance(own, ops.DatabaseTable) and own.namespace.catalog == "temp":
            run = self.backend.con.execute
            run(f"CREATE OR REPLACE VIEW {_name(placeholder)} AS SELECT * FROM temp.main.{_name(own.name)}")
        else:
            self.backend.create_view(placeholder, table, overwrite=True)

    def stage(self, expression: ibis.Table, slice_column: str | None, folder: Path) -> list[StagedFile]:
        """See `Engine.stage`."""
        folder.mkdir(parents=True)
        by = ", ".join(_text(column) for column in ("outcome", slice_column) if column)
        columns = ", ".join(_at_rest(name, dtype) for name, dtype in expression.schema().items())
        view = self._unique("to_stage")
        self.backend.create_view(view, expression)
        try:
            self.backend.con.execute(
                f"COPY (SELECT {columns} FROM {_name(view)}) TO {_text(str(folder))} "
                f"(FORMAT parquet, PARTITION_BY ({by}), ROW_GROUP_SIZE {ROW_GROUP_ROWS}, COMPRESSION snappy)"
            )
        except Exception:
            self._raise_failure_of_streams()
            raise
        finally:
            self.backend.con.execute(f"DROP VIEW {_name(view)}")
        self._raise_failure_of_streams()
        return [self._staged(path, folder) for path in sorted(folder.rglob("*.parquet"))]

    def _raise_failure_of_streams(self) -> None:
        """Raise what broke a stream since the last computation. Streams are consumed once, so all are forgotten."""
        broken = [error for failure in self._failures if (error := failure()) is not None]
        self._failures.clear()
        if broken:
            raise broken[0] from None

    def _staged(self, path: Path, folder: Path) -> StagedFile:
        import pyarrow.parquet as pq

        outcome, *rest = [part.split("=", 1)[1] for part in path.relative_to(folder).parts[:-1]]
        value = unquote(rest[0]) if rest and rest[0].upper() not in NO_VALUES else None
        return StagedFile(path, outcome, value, pq.read_metadata(path).num_rows, path.stat().st_size)

    def audit(
        self,
        files: Sequence[StagedFile],
        slice_column: str | None,
        key: Sequence[str],
        columns: Sequence[str],
        *,
        event_time: str | None = None,
        last_minutes: timedelta = timedelta(0),
    ) -> list[SliceAudit]:
        """See `Engine.audit`."""
        run = self.backend.con.execute
        audits: dict[str | None, SliceAudit] = {}
        for value in {file.slice_value for file in files}:
            audits[value] = SliceAudit(value, 0, 0, "empty", {})
        published = [str(file.path) for file in files if file.outcome == PUBLISH]
        if published:
            in_file = [name for name in columns if name != slice_column]
            rest = [name for name in key if name != slice_column]
            twice = self._duplicate_keys(published, slice_column, rest) if key else {}
            contents = self._contents(published, slice_column, in_file, event_time, last_minutes)
            for value, whole, days in contents:
                audits[value] = SliceAudit(value, whole.rows, twice.get(value, 0), whole.digest, {}, days)
        rejected = [str(file.path) for file in files if file.outcome in (QUARANTINE, DROP)]
        if rejected:
            value = f"{_name(slice_column)}::VARCHAR" if slice_column else "NULL"
            for raw, rule, count in run(
                f"SELECT {value}, split_part(reject_reason, ':', 1), count(*) "
                f"FROM {_staged_parquet(rejected, slice_column)} GROUP BY ALL ORDER BY ALL"
            ).fetchall():
                audits[raw].rejected[rule] = count
        return [audits[value] for value in sorted(audits, key=str)]

    def _contents(
        self,
        files: Sequence[str],
        slice_column: str | None,
        columns: Sequence[str],
        event_time: str | None,
        last_minutes: timedelta,
    ) -> Iterator[tuple[str | None, DayContent, dict[date, DayContent]]]:
        """What every partition value holds in all and, where `event_time` is given, of every day; in one scan."""
        day, is_late = "NULL::DATE", "false"
        if event_time is not None:
            instant = f"make_timestamp(epoch_us({_name(event_time)}))"  # without a zone: much faster than zoned casts
            begin = (datetime.min + timedelta(days=1) - last_minutes).time()
            day, is_late = f"{instant}::DATE", f"{instant}::TIME >= TIME '{begin}'"
        value = f"{_name(slice_column)}::VARCHAR" if slice_column else "NULL"
        hashed = f"hash({', '.join(map(_name, columns))})" if columns else "0"
        found = self.backend.con.execute(
            f"SELECT {value}, {day}, {is_late}, count(*), sum({hashed}::HUGEINT) "
            f"FROM {_staged_parquet(files, slice_column)} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        for partition, rows in itertools.groupby(found, key=lambda row: row[0]):
            parts = [row[1:] for row in rows]
            by_day = itertools.groupby(parts, key=lambda part: part[0])
            days = {} if event_time is None else {on: _content(list(of_day)) for on, of_day in by_day}
            yield partition, _content(parts), days

    def _duplicate_keys(self, files: Sequence[str], slice_column: str | None, key: list[str]) -> dict[str | None, int]:
        """Rows beyond the first of their key by partition value, counted exactly; few distinct hashes only point at
        the partition values to look at, because different keys may have one hash."""
        run, relation = self.backend.con.execute, _staged_parquet(files, slice_column)
        value = f"{_name(slice_column)}::VARCHAR" if slice_column else "NULL"
        hashed = f"hash({', '.join(map(_name, key))})" if key else "0"
        names = ", ".join(map(_name, key)) if key else "()"
        suspects = run(
            f"SELECT {value} FROM {relation} GROUP BY 1 HAVING count(*) > count(DISTINCT {hashed})"
        ).fetchall()
        twice = {}
        for (suspect,) in suspects:
            where = f"WHERE {value} = {_text(suspect)}" if suspect is not None else ""
            (twice[suspect],) = run(
                f"SELECT coalesce(sum(n - 1), 0)::BIGINT FROM "
                f"(SELECT count(*) AS n FROM {relation} {where} GROUP BY {names})"
            ).fetchone()
        return twice

    def digest(self, table: ibis.Table) -> str:
        """See `Engine.digest`."""
        hashed = f"hash({', '.join(map(_name, table.columns))})"
        (digest,) = self.backend.con.execute(
            f"SELECT md5(coalesce(sum({hashed}::HUGEINT), 0)::VARCHAR || count(*)) FROM ({self.to_sql(table)})"
        ).fetchone()
        return digest

    def read_staged(self, name: str, files: Sequence[StagedFile], slice_column: str | None) -> ibis.Table:
        """See `Engine.read_staged`."""
        unique = self._unique(f"{name}_staged")
        relation = _staged_parquet([str(file.path) for file in files], slice_column)
        self.backend.con.execute(f"CREATE VIEW {_name(unique)} AS SELECT * FROM {relation}")
        return self.backend.table(unique)

    def source_tables(self) -> dict[str, str]:
        """See `Engine.source_tables`."""
        return dict(self._sources)

    def to_sql(self, expression: ibis.Table) -> str:
        """See `Engine.to_sql`."""
        return self.backend.compile(expression)

    def _view(self, table: str, relation: str, schema: ibis.Schema) -> ibis.Table:
        unique = self._unique(table)
        columns = ", ".join(_in_memory(name, dtype) for name, dtype in schema.items())
        self.backend.con.execute(f"CREATE VIEW {_name(unique)} AS SELECT {columns} FROM {relation}")
        self._sources[unique] = table
        # Its schema is known; asking the database for it would plan the view once more.
        return ops.DatabaseTable(name=unique, schema=schema, source=self.backend, namespace=ops.Namespace()).to_expr()

    def _unique(self, name: str) -> str:
        return f"{name}__{next(self._names)}"


def _content(parts: Sequence[tuple[date | None, bool, int, int]]) -> DayContent:
    """Content of rows that were summed up in parts of (day, whether in its last minutes, rows, sum of hashes)."""
    late = [part for part in parts if part[1]]
    return DayContent(sum(part[2] for part in parts), _digest(parts), _digest(late) if late else "")


def _digest(parts: Sequence[tuple[date | None, bool, int, int]]) -> str:
    """Of the rows' hashes in no order: their sum and number."""
    text = f"{sum(part[3] for part in parts)}{sum(part[2] for part in parts)}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _add_odds_ratio_at(connection: Any) -> None:
    """`odds_ratio_at`, computed in this process on the columns of a few thousand rows at a time."""
    import pyarrow as pa

    def odds_ratio_at(chance: Any, converted: Any, members: Any, converted_others: Any, others: Any) -> Any:
        from platform_assets.domain.audience_reports.odds_ratio import solved

        columns = (chance, converted, members, converted_others, others)
        return pa.array(solved(*(column.to_numpy() for column in columns)))

    parameters = ["DOUBLE", *["BIGINT"] * 4]
    connection.create_function("odds_ratio_at", odds_ratio_at, parameters, "DOUBLE", type="arrow")


def _keyed_hash_macro(key: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) as a DuckDB macro: the key stands in no query that is logged, kept or traced for lineage.

    Whoever holds the connection can read it from the catalogue, as he could from the settings.
    """
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner, outer = (_blob(bytes(byte ^ pad for byte in block)) for pad in (0x36, 0x5C))
    return f"CREATE MACRO keyed_hash(x) AS sha256({outer} || unhex(sha256({inner} || encode(x))))"


def _blob(value: bytes) -> str:
    return "'" + "".join(f"\\x{byte:02x}" for byte in value) + "'::BLOB"


def _staged_parquet(files: Sequence[str], slice_column: str | None) -> str:
    kinds = ", hive_types_autocast = false" if slice_column else ""
    return f"read_parquet({_list(files)}, hive_partitioning = true{kinds})"


def _at_rest(name: str, dtype: Any) -> str:
    """A column in the type it is stored in. The cast is spelled out: DuckDB's own sum of integers is a HUGEINT,
    which Parquet would hold as a double."""
    quoted = _name(name)
    if dtype.is_timestamp():
        return f"make_timestamptz(epoch_us({quoted})) AS {quoted}"
    return f"CAST({quoted} AS {_type(dtype)}) AS {quoted}"


def _in_memory(name: str, dtype: Any) -> str:
    quoted = _name(name)
    return f"make_timestamp(epoch_us({quoted})) AS {quoted}" if dtype.is_timestamp() else quoted


def _nulls(schema: ibis.Schema) -> str:
    def kind(dtype: Any) -> str:
        return "TIMESTAMPTZ" if dtype.is_timestamp() else _type(dtype)

    return ", ".join(f"CAST(NULL AS {kind(dtype)}) AS {_name(name)}" for name, dtype in schema.items())


def _type(dtype: Any) -> str:
    from ibis.backends.sql.datatypes import DuckDBType

    return str(DuckDBType.to_string(dtype))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


def _list(values: Sequence[str]) -> str:
    return "[" + ", ".join(map(_text, values)) + "]"
