"""`platform sql`: DuckDB over every published table, at its latest or a given version."""

import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

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
    at: Annotated[list[str] | None, typer.Option(help="Read a table at a Delta version: events=3. Repeatable.")] = None,
    output: Annotated[OutputFormat, typer.Option("--format", help="How rows are printed.")] = OutputFormat.TABLE,
    limit: Annotated[int, typer.Option(min=1, help="Rows that `table` shows.")] = 50,
) -> None:
    """Query the lakehouse. It only reads: one SELECT, over views of the published files."""
    import duckdb

    settings = load_settings()
    lakehouse = Lakehouse(settings.lake_root)
    engine = DuckDBEngine.from_settings(settings)
    names = lakehouse.table_names()
    versions = _versions(at or [], names)
    for name in names:
        if name in query:
            _expose(engine, lakehouse, name, versions.get(name))
    try:
        statements = engine.backend.con.extract_statements(query)
        if len(statements) != 1 or statements[0].type not in (
            duckdb.StatementType.SELECT,
            duckdb.StatementType.EXPLAIN,
        ):
            raise QueryFailed("only one SELECT is answered", where="query", todo="write a single SELECT")
        relation = engine.backend.con.sql(query)
    except duckdb.Error as error:
        raise QueryFailed(str(error).strip(), where="query", todo=f"tables there are: {', '.join(names)}") from error
    if relation is None:
        return
    if output is OutputFormat.CSV:
        relation.df().to_csv(sys.stdout, index=False)
    elif output is OutputFormat.JSON:
        typer.echo(relation.df().to_json(orient="records", date_format="iso", lines=True), nl=False)
    else:
        _print(relation, limit)


def _versions(at: list[str], names: list[str]) -> dict[str, int]:
    versions = {}
    for item in at:
        name, _, version = item.partition("=")
        if name not in names or not version.isdigit():
            raise ConfigurationError(
                f"{item!r} names no table at a version", where="--at", todo="write <table>=<version>, e.g. events=3"
            )
        versions[name] = int(version)
    return versions


def _expose(engine: DuckDBEngine, lakehouse: Lakehouse, name: str, version: int | None) -> None:
    table = read(lakehouse, engine, lakehouse.snapshot(name, version), None)
    engine.backend.con.execute(f'CREATE VIEW "{name}" AS SELECT * FROM "{table.get_name()}"')


def _print(relation, limit: int) -> None:  # type: ignore[no-untyped-def]
    rows = relation.fetchmany(limit + 1)
    shown = Table(header_style="bold")
    for column in relation.columns:
        shown.add_column(column)
    for row in rows[:limit]:
        shown.add_row(*("" if value is None else str(value) for value in row))
    Console().print(shown)
    if len(rows) > limit:
        typer.echo(f"… more rows than {limit}; raise --limit or use --format csv")
