"""`platform tables`: what the lakehouse holds."""

import json
from typing import Annotated

import typer
from rich.table import Table

from platform_assets.cli.printed_table import print_table
from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.errors import PlatformError
from platform_assets.domain.yaml_lines import nearest
from resources.lakehouse.tables import QUARANTINE_SUFFIX, Lakehouse
from resources.settings import load_settings


class NoSuchTable(PlatformError):
    """A table is asked for that no asset makes."""


def tables(
    table: Annotated[str, typer.Argument(help="Tell the columns of this table and what they mean.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list instead of a table.")] = False,
) -> None:
    """List every published table: partitions, rows, quarantined and dropped rows, bytes, Delta version.

    With a table's name: what one row of it is, and every column.
    """
    if table:
        _print_contract(contract_of_table(table), as_json)
        return
    lakehouse = Lakehouse(load_settings().lake_root)
    found = describe_tables(lakehouse)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    if not found:
        typer.echo(f"No table has been published to {lakehouse.root} yet (PLATFORM_HOME and PLATFORM_LAKE say where).")
        return
    shown = Table(title=None, header_style="bold")
    for name in ("table", "partitions", "rows", "quarantined", "dropped", "MB", "version"):
        shown.add_column(name, justify="left" if name == "table" else "right")
    for row in found:
        shown.add_row(
            row["table"],
            f"{row['partitions']:,}",
            f"{row['rows']:,}",
            f"{row['quarantined']:,}",
            f"{row['dropped']:,}",
            f"{row['bytes'] / 1e6:,.1f}",
            str(row["version"]),
        )
    print_table(shown)


def contract_of_table(table: str) -> Contract:
    """The contract that a table of the graph keeps. Raises NoSuchTable where no asset makes it."""
    from platform_assets.definitions import defs
    from platform_assets.table_asset import contract_of

    known = {found.name: found for made in defs.resolve_asset_graph().assets_defs if (found := contract_of(made))}
    if table not in known:
        raise NoSuchTable(
            f"no table is named {table}{nearest(table, known)}",
            where="platform tables",
            todo=f"ask for {', '.join(sorted(known))}",
        )
    return known[table]


def _print_contract(contract: Contract, as_json: bool) -> None:
    columns = [
        {"column": each.name, "type": each.dtype, "personal": each.pii.value, "meaning": each.description}
        for each in contract.columns
    ]
    if as_json:
        typer.echo(json.dumps(columns, indent=2))
        return
    typer.echo(f"{contract.name}: {contract.description} Key: {', '.join(contract.key)}.")
    shown = Table("column", "type", "personal", "meaning", header_style="bold")
    for column in columns:
        shown.add_row(*column.values())
    print_table(shown)


def describe_tables(lakehouse: Lakehouse) -> list[dict]:
    """One entry a table, quarantines counted beside the table they belong to."""
    names = lakehouse.table_names()
    described = []
    for name in names:
        if name.endswith(QUARANTINE_SUFFIX):
            continue
        snapshot = lakehouse.snapshot(name)
        quarantine = name + QUARANTINE_SUFFIX
        rejected = sum(lakehouse.snapshot(quarantine).rows_by_slice().values()) if quarantine in names else 0
        by_slice = snapshot.rows_by_slice()
        described.append(
            {
                "table": name,
                "partitions": len(by_slice),
                "rows": sum(by_slice.values()),
                "quarantined": rejected,
                "dropped": sum(note.dropped for note in lakehouse.slice_notes(name).values()),
                "bytes": sum(file.bytes for file in snapshot.files),
                "version": snapshot.version,
            }
        )
    return described
