"""Matches the columns of a file that has a header (CSV, Parquet) with the fields that its source declares."""

from collections.abc import Sequence

import pyarrow as pa

from platform_assets.domain.source import Source
from platform_assets.raw_events.json_text import as_received, json_objects
from platform_assets.raw_events.landed_file import FileReading


def check_header(reading: FileReading, source: Source, header: Sequence[str]) -> None:
    """Raise LandedFileError if a declared field has no column and needs one, or two columns have one name."""
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise reading.error(
            f"has several columns named {', '.join(doubled)}", "have the file delivered with one name for each column"
        )
    missing = [field for field in source.source_fields if field not in header and not source.may_be_absent(field)]
    if missing:
        raise reading.error(
            f"has no column for {', '.join(missing)}; its columns are {', '.join(header)}",
            f"have the file delivered with these columns; or, if they may be absent, name them under `optional` or "
            f"`defaults` of source {source.name} in the sources file; or correct its fields or delimiter there",
        )


def raw_columns(source: Source, header: Sequence[str], columns: Sequence[pa.Array]) -> dict[str, pa.StringArray]:
    """The declared fields as received under their raw columns' names, and `extra_fields` with all others."""
    by_name = dict(zip(header, columns, strict=True))
    size = len(columns[0]) if columns else 0
    absent = pa.nulls(size, pa.string())
    declared = {
        source.raw_column(field): as_received(by_name[field]) if field in by_name else absent
        for field in source.source_fields
    }
    extra = [name for name in header if name not in source.source_fields]
    extra_fields = json_objects(extra, [by_name[name] for name in extra]) if extra else pa.nulls(size, pa.string())
    return {**declared, "extra_fields": extra_fields}
