"""The rows of a table's quarantine, in one form for all tables and for those made by earlier versions."""

from collections.abc import Sequence

import ibis

from platform_assets.domain.errors import PlatformError
from resources.compute.engine import Engine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import QUARANTINE_SUFFIX, Lakehouse

NEVER = -1
"""Version of a quarantine that no row was ever sent to."""

COLUMNS = ("partition", "rule", "reason", "source", "file", "line", "record")


class NoSuchTable(PlatformError):
    """A table is named that the lakehouse doesn't hold."""


def tables_with_quarantine(lakehouse: Lakehouse) -> list[str]:
    """Names of the tables that ever rejected a row."""
    names = lakehouse.table_names()
    return [name.removesuffix(QUARANTINE_SUFFIX) for name in names if name.endswith(QUARANTINE_SUFFIX)]


def refuse_unknown(lakehouse: Lakehouse, table: str) -> None:
    """Raise NoSuchTable if nothing was ever published to a table."""
    if not lakehouse.exists(table):
        names = [name for name in lakehouse.table_names() if not name.endswith(QUARANTINE_SUFFIX)]
        raise NoSuchTable(
            f"there is no table {table}",
            where=lakehouse.root,
            todo=f"name one of: {', '.join(names)}" if names else "publish something first",
        )


def quarantined_rows(
    lakehouse: Lakehouse,
    engine: Engine,
    table: str,
    *,
    partitions: Sequence[str] | None = None,
    rule: str | None = None,
    version: int | None = None,
) -> ibis.Table:
    """The quarantined rows of a table with `COLUMNS`, of some partitions (None: of all) and one rule.

    `partition` is the partition's value as text, null where the table is one piece; `line` a number.
    """
    name = table + QUARANTINE_SUFFIX
    if not lakehouse.exists(name) or version == NEVER:
        return ibis.memtable([], schema=dict.fromkeys(COLUMNS, "string") | {"line": "int64"})
    snapshot = lakehouse.snapshot(name, version)
    rows = read(lakehouse, engine, snapshot, partitions)
    column = snapshot.slice_column
    by_reason = rows.reason.split(":")[0]
    shown = rows.select(
        partition=rows[column].cast(str) if column else ibis.null(str),
        rule=rows["rule"].coalesce(by_reason) if "rule" in rows.columns else by_reason,
        reason=rows.reason,
        source=rows.source,
        file=rows.file,
        line=rows.line.try_cast("int64"),
        record=rows.record,
    )
    return shown if rule is None else shown.filter(shown.rule == rule)


def quarantine_version(lakehouse: Lakehouse, table: str) -> int:
    """The Delta version of a table's quarantine, NEVER where it has none."""
    name = table + QUARANTINE_SUFFIX
    return lakehouse.snapshot(name).version if lakehouse.exists(name) else NEVER
