"""`platform quarantine show`: which rules rejected how much, and the rejected rows of one table.

The summary tells no value of any row. Rows are shown of a named table only: they are records as received.
"""

import csv
import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from platform_assets.cli.printed_table import print_table
from resources.settings import Settings, load_settings

if TYPE_CHECKING:
    import ibis

    from platform_assets.domain.contracts.contract import Contract

ROWS_OF_A_TABLE = 20


class RowFormat(StrEnum):
    """How rows are printed; `jsonl` is what `platform quarantine release --mended` takes back."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"


def show(
    table: Annotated[str | None, typer.Argument(help="Show the rows of this table's quarantine.")] = None,
    partition: Annotated[str | None, typer.Option(help="Only this partition, for example 2026-01-20.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only rows that this rule rejected.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many rows at most (--format table: 20).")] = None,
    output: Annotated[RowFormat, typer.Option("--format", help="How rows are printed.")] = RowFormat.TABLE,
) -> None:
    """Without TABLE: every table's quarantine by rule. With TABLE: its rows, personal values included."""
    from platform_assets.cli.quarantine.quarantined_rows import quarantined_rows, refuse_unknown, tables_with_quarantine
    from resources.compute.duckdb_engine import DuckDBEngine
    from resources.lakehouse.tables import Lakehouse

    settings = load_settings()
    lakehouse, engine = Lakehouse(settings.lake_root), DuckDBEngine.from_settings(settings)
    partitions = None if partition is None else [partition]
    if table is None:
        contracts, summary = _contracts(settings), []
        for name in tables_with_quarantine(lakehouse):
            rows = quarantined_rows(lakehouse, engine, name, partitions=partitions, rule=rule)
            summary += _by_rule(name, rows, contracts.get(name))
        _print(summary[:limit], output, "No row is quarantined.")
    else:
        refuse_unknown(lakehouse, table)
        most = limit or (ROWS_OF_A_TABLE if output is RowFormat.TABLE else None)
        rows = quarantined_rows(lakehouse, engine, table, partitions=partitions, rule=rule)
        listed = rows.order_by("partition", "file", "line", "record").limit(most).to_pyarrow().to_pylist()
        _print(listed, output, f"No such row of {table} is quarantined.")
        more = rows.count().to_pyarrow().as_py() - len(listed)
        if more:
            typer.echo(f"{more:,} more rows; raise --limit or use --format jsonl or csv", err=True)


def _contracts(settings: Settings) -> "dict[str, Contract]":
    from platform_assets.domain.contracts.events import EVENTS
    from platform_assets.domain.contracts.user_features import USER_FEATURES
    from platform_assets.domain.sources import load_sources

    raws = [source.raw_contract() for source in load_sources(settings.sources_file)]
    return {contract.name: contract for contract in (*raws, EVENTS, USER_FEATURES)}


def _by_rule(table: str, rows: "ibis.Table", contract: "Contract | None") -> list[dict[str, Any]]:
    """One entry a rule: how many rows in how many partitions, where the first is, and what the rule says."""
    import ibis

    from platform_assets.domain.quarantine_rules import explanation

    in_order = ibis.window(group_by="rule", order_by=["partition", "file", "line"])
    numbered = rows.mutate(number=ibis.row_number().over(in_order))
    is_first = numbered.number == 0
    counted = numbered.group_by("rule").aggregate(
        rows=numbered.count(),
        partitions=numbered.partition.nunique(),
        file=numbered.file.max(where=is_first),
        line=numbered.line.max(where=is_first),
    )
    entries = counted.order_by(ibis.desc("rows"), "rule").to_pyarrow().to_pylist()
    return [
        {
            "table": table,
            "rule": entry["rule"],
            "rows": entry["rows"],
            "partitions": entry["partitions"],
            "first": f"{entry['file']}:{entry['line']}" if entry["file"] else "",
            "explanation": explanation(entry["rule"], contract),
        }
        for entry in entries
    ]


def _print(rows: list[dict[str, Any]], output: RowFormat, nothing: str) -> None:
    if not rows:
        typer.echo(nothing, err=True)
    elif output is RowFormat.JSONL:
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False))
    elif output is RowFormat.CSV:
        written = csv.DictWriter(sys.stdout, list(rows[0]))
        written.writeheader()
        written.writerows(rows)
    else:
        shown = Table(header_style="bold")
        rows = [_for_people(row) for row in rows]
        for name in rows[0]:
            shown.add_column(name, overflow="fold")
        for row in rows:
            shown.add_row(*(Text(_printable(value)) for value in row.values()))
        print_table(shown)


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    """A quarantined row in few columns: the reason begins with the rule, the place with the source."""
    if "record" not in row:
        return row
    place = f"{row['file']}:{row['line']}" if row["file"] else row["source"]
    return {"partition": row["partition"], "place": place, "reason": row["reason"], "record": row["record"]}


def _printable(value: object) -> str:
    """Text for a terminal: what landed may hold sequences that steer one."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in str("" if value is None else value))
