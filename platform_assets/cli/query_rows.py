"""The rows of a query as CSV or JSON lines on stdout, a batch at a time.

A big result takes no more memory than a small one. DuckDB turns values into text.
"""

import csv
import sys
from typing import TYPE_CHECKING

from platform_assets.domain.errors import PlatformError

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation

BATCH_ROWS = 50_000
FLOATS = ("FLOAT", "DOUBLE")


class AmbiguousColumns(PlatformError):
    """Two columns of a result have the same name, so that a reader couldn't tell them apart."""


def write_csv(rows: "DuckDBPyRelation") -> None:
    """CSV with a header (RFC 4180, lines end in LF): instants in UTC, null as nothing, an empty text as `""`."""
    _refuse_ambiguous(rows.columns)
    csv.writer(sys.stdout, lineterminator="\n").writerow(rows.columns)
    _write_lines(rows, f"concat_ws(',', {', '.join(_csv_value(_name(name)) for name in rows.columns)})")


def write_json_lines(rows: "DuckDBPyRelation") -> None:
    """One JSON object a line: instants as ISO 8601 in UTC; what JSON has no number for (NaN, infinity) becomes null."""
    _refuse_ambiguous(rows.columns)
    fields = [
        f"{_text(name)}: {_json_value(_name(name), str(kind))}"
        for name, kind in zip(rows.columns, rows.types, strict=True)
    ]
    _write_lines(rows, f"to_json({{{', '.join(fields)}}})::VARCHAR")


def _write_lines(rows: "DuckDBPyRelation", line: str) -> None:
    for batch in rows.project(f"{line} || chr(10) AS line").to_arrow_reader(BATCH_ROWS):
        sys.stdout.writelines(batch["line"].to_pylist())


def _csv_value(column: str) -> str:
    text = f"{column}::VARCHAR"
    quoted = f"'\"' || replace({text}, '\"', '\"\"') || '\"'"
    return f"CASE WHEN {text} = '' OR regexp_matches({text}, '[\",\\r\\n]') THEN {quoted} ELSE coalesce({text}, '') END"


def _json_value(column: str, kind: str) -> str:
    if kind in FLOATS:
        return f"CASE WHEN isfinite({column}) THEN {column} END"
    if kind.startswith("TIMESTAMP"):
        return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%fZ')"
    return column


def _refuse_ambiguous(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise AmbiguousColumns(
            f"the result has more than one column {', '.join(twice)}", where="query", todo="name them apart with AS"
        )


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
