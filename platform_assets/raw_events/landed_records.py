"""Reads landing days: the files of a source as one stream of record batches, in which nothing is lost.

What a record means is the business of `parsing`. Finding files stands in `landing_places`, reading one file in
`landed_file`, splitting it into records in the module of its format, putting corrected ones in their place in
`corrections`.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date

import pyarrow as pa

from platform_assets.domain.source import Format, Source
from platform_assets.raw_events.corrections import Correction, CorrectionOutdated, FileCorrections
from platform_assets.raw_events.csv_records import csv_records
from platform_assets.raw_events.landed_file import FileReading, LandedFile, LandedFileError, ReadLimits
from platform_assets.raw_events.landing_places import FoundFile, find_landed_files
from platform_assets.raw_events.line_records import RecordBlock, line_records, records_of_lines
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
    source: Source,
    days: Sequence[date],
    landing_zone: str,
    limits: ReadLimits | None = None,
    *,
    corrections: Sequence[Correction] = (),
    only_files: Collection[str] | None = None,
) -> LandedRecords:
    """Stream the records that landed on some days. `landing_zone` is a folder or an S3 address.

    Files come by day and name, whatever the order in which the storage lists them. A day without files gives nothing.
    `corrections` are read in the place of their records. Raises CorrectionOutdated if one's file is not there; if its
    record is another one now, the stream breaks with that error.
    """
    files = find_landed_files(source, days, landing_zone)
    if only_files is not None:
        files = [found for found in files if found.name in only_files]
    by_file = _by_file(corrections, files)
    schema, limits = batch_schema(source), limits or ReadLimits()
    return LandedRecords(schema, lambda landed: _batches(landed, source, files, by_file, schema, limits))


def _by_file(corrections: Sequence[Correction], files: Sequence[FoundFile]) -> dict[tuple[date, str], list[Correction]]:
    by_file: dict[tuple[date, str], list[Correction]] = {(found.landing_date, found.name): [] for found in files}
    for correction in corrections:
        if (correction.landing_date, correction.file) not in by_file:
            raise CorrectionOutdated(
                f"record {correction.line} of this file was corrected, and the file is not there",
                where=f"{correction.file}, landed {correction.landing_date}",
                todo="bring the file back, or withdraw its corrections (`platform quarantine withdraw --help`)",
            )
        by_file[correction.landing_date, correction.file].append(correction)
    return by_file


def _batches(
    landed: LandedRecords,
    source: Source,
    files: Sequence[FoundFile],
    corrections: dict[tuple[date, str], list[Correction]],
    schema: pa.Schema,
    limits: ReadLimits,
) -> Iterator[pa.RecordBatch]:
    for found in files:
        reading = FileReading(
            found.filesystem, found.info, file=found.name, landing_date=found.landing_date, limits=limits
        )
        corrected = FileCorrections(found.name, corrections[found.landing_date, found.name])
        for block in _blocks(source, reading, corrected):
            yield _batch(block, reading, schema)
        landed.files.append(replace(reading.finished(), corrected=corrected.count()))


def _blocks(source: Source, reading: FileReading, corrections: FileCorrections) -> Iterator[RecordBlock]:
    match source.format:
        case Format.JSON_LINES:
            lines = _corrected_lines(reading, corrections)
            return (mark_too_deep(block, reading.limits.max_nesting) for block in lines)
        case Format.ACCESS_LOG:
            return _corrected_lines(reading, corrections)
        case Format.CSV:
            return csv_records(reading, source, corrections)
        case Format.PARQUET:
            return parquet_records(reading, source)


def _corrected_lines(reading: FileReading, corrections: FileCorrections) -> Iterator[RecordBlock]:
    for block in line_records(reading):
        yield corrections.applied_to(block, lambda texts, lines: records_of_lines(texts, lines, reading.limits))


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
