"""`platform sql`: DuckDB over every published table, at its latest, a given, or a former version."""

import difflib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from platform_assets.cli.printed_table import print_table
from platform_assets.cli.query_rows import write_csv, write_json_lines
from platform_assets.domain.errors import ConfigurationError, PlatformError
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.settings import load_settings


class QueryFailed(PlatformError):
    """The database refused the query."""


class OutputFormat(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def sql(
    query: Annotated[str, typer.Argument(help="DuckDB SQL; tables by name, e.g. `select count(*) from events`.")],
    at: Annotated[
        list[str] | None,
        typer.Option(
            help="Read a table at a Delta version or as of an instant (UTC where no zone is given): events=3, "
            "events=2026-01-20T12:00. An instant alone is for all tables. Repeatable."
        ),
    ] = None,
    output: Annotated[OutputFormat, typer.Option("--format", help="How rows are printed.")] = OutputFormat.TABLE,
    limit: Annotated[int, typer.Option(min=1, help="Rows that `table` shows.")] = 50,
) -> None:
    """Query the lakehouse. It only reads: one SELECT, over views of the published files; other files are not opened.

    `csv` and `json` are streamed: they give every row, however many.
    """
    import duckdb

    settings = load_settings()
    lakehouse = Lakehouse(settings.lake_root)
    engine = DuckDBEngine.from_settings(settings)
    names = lakehouse.table_names()
    moments = _moments(at or [], names)
    for name in _tables_in(query, names):
        _expose(engine, lakehouse, name, _version(lakehouse, name, moments))
    engine.confine([lakehouse.root] if lakehouse.is_local else [])
    try:
        statements = engine.backend.con.extract_statements(query)
        if len(statements) != 1 or statements[0].type not in (
            duckdb.StatementType.SELECT,
            duckdb.StatementType.EXPLAIN,
        ):
            raise QueryFailed("only one SELECT is answered", where="query", todo="write a single SELECT")
        rows = engine.backend.con.sql(query)
        if output is OutputFormat.CSV:
            write_csv(rows)
        elif output is OutputFormat.JSON:
            write_json_lines(rows)
        else:
            _print(rows, limit)
    except duckdb.Error as error:
        raise _failed(str(error).strip(), names) from error


def _tables_in(query: str, names: Sequence[str]) -> list[str]:
    """Tables whose names stand in the query; one too many costs only its opening."""
    words = {word.lower() for word in re.findall(r"\w+", query)}
    return [name for name in names if name.lower() in words]


def _failed(said: str, names: Sequence[str]) -> QueryFailed:
    unknown = re.match(r"Catalog Error: Table with name (\S+) does not exist", said)
    if unknown is None:
        return QueryFailed(said, where="query", todo=_known(names))
    return QueryFailed(f"there is no table {unknown[1]}", where="query", todo=_nearest(unknown[1], names))


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name.lower(), names, n=1)
    return f"did you mean {near[0]}? {_known(names)}" if near else _known(names)


def _known(names: Sequence[str]) -> str:
    return f"tables there are: {', '.join(names) or 'none yet'}"


def _moments(at: Sequence[str], names: Sequence[str]) -> dict[str, int | datetime]:
    """What `--at` asks for, by table; "" stands for all tables."""
    moments: dict[str, int | datetime] = {}
    for item in at:
        name, equals, moment = item.rpartition("=")
        if equals and name not in names:
            raise ConfigurationError(f"there is no table {name!r}", where=f"--at {item}", todo=_nearest(name, names))
        moments[name] = int(moment) if equals and moment.isdecimal() else _instant(item, moment)
    return moments


def _instant(item: str, text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{item!r} names no version and no instant",
            where="--at",
            todo="write <table>=<version>, <table>=<instant> or an instant for all tables: events=3, 2026-01-20T12:00",
        ) from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _version(lakehouse: Lakehouse, name: str, moments: dict[str, int | datetime]) -> int | None:
    moment = moments.get(name, moments.get(""))
    return lakehouse.version_at(name, moment) if isinstance(moment, datetime) else moment


def _expose(engine: DuckDBEngine, lakehouse: Lakehouse, name: str, version: int | None) -> None:
    table = read(lakehouse, engine, lakehouse.snapshot(name, version), None)
    engine.backend.con.execute(f'CREATE VIEW "{name}" AS SELECT * FROM "{table.get_name()}"')


def _print(rows, limit: int) -> None:  # type: ignore[no-untyped-def]
    found = rows.fetchmany(limit + 1)
    shown = Table(header_style="bold")
    for column in rows.columns:
        shown.add_column(column)
    for row in found[:limit]:
        shown.add_row(*("" if value is None else escape(str(value)) for value in row))
    print_table(shown)
    if len(found) > limit:
        typer.echo(f"… more rows than {limit}; raise --limit or use --format csv")
