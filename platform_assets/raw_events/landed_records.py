"""Reads landing days: the files of a source as one stream of record batches, in which nothing is lost.

What a record means is the business of `parsing`. Finding files stands in `landing_places`, reading one file in
`landed_file`, splitting it into records in the module of its format.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import pyarrow as pa

from platform_assets.domain.source import Format, Source
from platform_assets.raw_events.csv_records import csv_records
from platform_assets.raw_events.landed_file import FileReading, LandedFile, LandedFileError, ReadLimits
from platform_assets.raw_events.landing_places import FoundFile, find_landed_files
from platform_assets.raw_events.line_records import RecordBlock, line_records
from platform_assets.raw_events.nesting import mark_too_deep
from platform_assets.raw_events.parquet_records import parquet_records

__all__ = ["LandedFile", "LandedFileError", "LandedRecords", "ReadLimits", "batch_schema", "read_landing_days"]


class LandedRecords:
    """The records of some landing days, as a stream that can be read once.

    `files` fills up while `reader` is consumed. An error of a file reaches the consumer as whatever its engine makes
    of it; within `naming_the_file()` it is raised as the LandedFileError that it was.
    """

    def __init__(self, schema: pa.Schema, batches: Callable[["LandedRecords"], Iterator[pa.RecordBatch]]) -> None:
        self.files: list[LandedFile] = []
        self.failure: Exception | None = None
        self.reader = pa.RecordBatchReader.from_batches(schema, self._watched(batches(self)))

    @contextmanager
    def naming_the_file(self) -> Iterator[None]:
        """Turn the engine's error about the stream back into the error that stopped the stream."""
        try:
            yield
        except Exception:
            if self.failure is not None:
                raise self.failure from None
            raise
        if self.failure is not None:
            raise self.failure

    def _watched(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except Exception as error:
            self.failure = error
            raise


def batch_schema(source: Source) -> pa.Schema:
    """Columns of the stream: where a record is, its text (null for Parquet), what kept it from being read, and for
    CSV and Parquet the source's fields as received."""
    columns = [("landing_date", pa.date32()), ("file", pa.string()), ("line", pa.int64())]
    columns += [("record", pa.string()), ("read_problem", pa.string())]
    if source.format in (Format.CSV, Format.PARQUET):
        names = [source.raw_column(field) for field in source.source_fields]
        columns += [(name, pa.string()) for name in (*names, "extra_fields")]
    return pa.schema(columns)


def read_landing_days(
    source: Source, days: Sequence[date], landing_zone: str, limits: ReadLimits | None = None
) -> LandedRecords:
    """Stream the records that landed on some days. `landing_zone` is a folder or an S3 address.

    Files come by day and name, whatever the order in which the storage lists them. A day without files gives nothing.
    """
    files = find_landed_files(source, days, landing_zone)
    schema = batch_schema(source)
    return LandedRecords(schema, lambda landed: _batches(landed, source, files, schema, limits or ReadLimits()))


def _batches(
    landed: LandedRecords, source: Source, files: list[FoundFile], schema: pa.Schema, limits: ReadLimits
) -> Iterator[pa.RecordBatch]:
    for found in files:
        reading = FileReading(
            found.filesystem, found.info, file=found.name, landing_date=found.landing_date, limits=limits
        )
        for block in _blocks(source, reading):
            yield _batch(block, reading, schema)
        landed.files.append(reading.finished())


def _blocks(source: Source, reading: FileReading) -> Iterator[RecordBlock]:
    match source.format:
        case Format.JSON_LINES:
            return (mark_too_deep(block, reading.limits.max_nesting) for block in line_records(reading))
        case Format.ACCESS_LOG:
            return line_records(reading)
        case Format.CSV:
            return csv_records(reading, source)
        case Format.PARQUET:
            return parquet_records(reading, source)


def _batch(block: RecordBlock, reading: FileReading, schema: pa.Schema) -> pa.RecordBatch:
    size = len(block.lines)
    columns = {
        "landing_date": pa.repeat(pa.scalar(reading.landing_date, pa.date32()), size),
        "file": pa.repeat(pa.scalar(reading.file, pa.string()), size),
        "line": pa.array(block.lines, pa.int64()),
        "record": block.records,
        "read_problem": block.problems if block.problems is not None else pa.nulls(size, pa.string()),
        **block.columns,
    }
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)
