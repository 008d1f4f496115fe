"""Rows of a command's answer as a table, as CSV or as JSON lines."""

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from platform_assets.cli.printed_table import print_table
from platform_assets.cli.sql import OutputFormat


def print_rows(rows: Sequence[Mapping[str, Any]], output: OutputFormat, *, nothing: str) -> None:
    """Print rows that have the same keys; `nothing` is what a table says where there are none."""
    if output is OutputFormat.JSON:
        for row in rows:
            typer.echo(json.dumps(row, default=_text))
        return
    if output is OutputFormat.CSV:
        written = csv.writer(sys.stdout, lineterminator="\n")
        written.writerow(rows[0] if rows else [])
        written.writerows([_cell(value) for value in row.values()] for row in rows)
        return
    if not rows:
        typer.echo(nothing)
        return
    shown = Table(*rows[0], header_style="bold")
    for row in rows:
        shown.add_row(*(escape(_cell(value)) for value in row.values()))
    print_table(shown)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, date) else str(value)
