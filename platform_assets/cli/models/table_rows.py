"""The rows of one day of a published table, with its contract: what an imported model is checked against."""

from datetime import date

import ibis

from platform_assets.cli.tables import contract_of_table
from platform_assets.domain.errors import PlatformError
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.model_registry.imported.importing import TableRows
from resources.settings import Settings


class NoRowsToScore(PlatformError):
    """A table has no rows of the day that is to be scored, or is not cut by day."""


def table_rows(settings: Settings, table: str, day: date, key: tuple[str, ...]) -> tuple[TableRows, int]:
    """Rows of `day` and the Delta version they were read at; `key` stands for the contract's where it is given.

    Raises NoRowsToScore where there are none, NoSuchTable where no asset makes the table.
    """
    contract, lakehouse = contract_of_table(table), Lakehouse(settings.lake_root)
    day_column = contract.partition_column
    if not isinstance(day_column, str) or contract.schema()[day_column] != ibis.dtype("date"):
        raise NoRowsToScore("it is not cut by day", where=table, todo="name a table that is, such as user_features")
    published = sorted(lakehouse.slice_notes(table)) if lakehouse.exists(table) else []
    snapshot = lakehouse.snapshot(table) if f"{day}" in published else None
    if snapshot is None or not snapshot.files_of([f"{day}"]):
        choice = f"choose one of {published[0]} … {published[-1]}" if published else f"materialise {table} first"
        raise NoRowsToScore(f"there are no rows of {day}", where=table, todo=choice)
    if unknown := sorted(set(key) - set(contract.column_names)):
        raise NoRowsToScore(f"it has no columns {unknown}", where=f"--key of {table}", todo="name columns of the table")
    engine = DuckDBEngine.from_settings(settings)
    rows = engine.backend.to_pyarrow(read(lakehouse, engine, snapshot, [f"{day}"]))
    types = {name: dtype for name, dtype in contract.schema().items() if name in rows.column_names}
    own = tuple(name for name in contract.key if name != day_column)
    return TableRows(table, types, key or own, day_column, rows.select(list(types))), snapshot.version
