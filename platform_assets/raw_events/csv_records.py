"""Reads CSV with a header: the records' text with the line where each begins, and their fields as received."""

import csv
import io
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from platform_assets.domain.source import Source
from platform_assets.raw_events.corrections import FileCorrections
from platform_assets.raw_events.csv_splitting import CsvBlock, OpenQuote, records_of_texts, split_csv
from platform_assets.raw_events.declared_columns import check_header, raw_columns
from platform_assets.raw_events.landed_file import FileReading
from platform_assets.raw_events.line_records import Lines, RecordBlock, line_records, readable_text


def csv_records(reading: FileReading, source: Source, corrections: FileCorrections) -> Iterator[RecordBlock]:
    """The records of a CSV file. From a record whose quote is never closed on, every line is one with that problem."""
    header: list[str] | None = None

    def mended(texts: Sequence[bytes], lines: Lines) -> RecordBlock:
        return _record_block(records_of_texts(texts, lines, source.delimiter), reading, source, header or [])

    try:
        for split in split_csv(reading, source.delimiter):
            filled = ~np.array(pc.is_in(split.records, pa.array([b"\n", b"\r\n"])))
            reading.blank_lines += len(filled) - int(filled.sum())
            block = split.only(filled)
            if header is None and len(block.lines):
                header = _header(block, reading, source)
                block = block.only(np.arange(len(block.lines)) > 0)
            if header is not None and len(block.lines):
                reading.records += len(block.lines)
                yield corrections.applied_to(_record_block(block, reading, source, header), mended)
    except OpenQuote as unclosed:
        if header is None:
            reading.line = unclosed.line
            raise reading.error(
                "has a quote in its header that is never closed", "have the file delivered again"
            ) from None
        for rest in _unterminated(reading, source, unclosed.line):
            yield corrections.applied_to(rest, mended)


def _unterminated(reading: FileReading, source: Source, first_line: int) -> Iterator[RecordBlock]:
    """The rest of the file line by line, read once more because a record may be larger than memory."""
    for block in line_records(reading.again()):
        rest = pa.array(block.lines >= first_line)
        lines = block.lines[block.lines >= first_line]
        if not len(lines):
            continue
        problem = f"unterminated_quote: a quote of the record that begins in line {first_line} is never closed"
        reading.records += len(lines)
        nothing = pa.nulls(len(lines), pa.string())
        columns = dict.fromkeys(
            [*(source.raw_column(field) for field in source.source_fields), "extra_fields"], nothing
        )
        yield RecordBlock(block.records.filter(rest), lines, pa.repeat(problem, len(lines)), columns)


def _record_block(block: CsvBlock, reading: FileReading, source: Source, header: Sequence[str]) -> RecordBlock:
    text, problems = readable_text(_without_line_ends(block), reading.limits, cut=block.is_cut)
    no_problem = pa.scalar(None, pa.string())
    if block.stray_returns.any():
        reason = "stray_carriage_return: a carriage return outside quotes ends no line"
        stray = pc.if_else(pa.array(block.stray_returns), reason, no_problem)
        problems = stray if problems is None else pc.coalesce(problems, stray)
    readable = np.ones(len(text), np.bool_) if problems is None else np.array(problems.is_null())
    columns, wrong = _fields(block.only(readable).records, source, header)
    received = raw_columns(source, header, columns)
    if problems is None and not wrong:
        return RecordBlock(text, block.lines, None, received)
    rows = np.flatnonzero(readable)
    reasons = [None] * len(text) if problems is None else problems.to_pylist()
    for row, count in wrong.items():
        reasons[rows[row]] = f"wrong_field_count: {count} fields instead of {len(header)}"
    place = np.full(len(text), -1)
    parsed = np.delete(rows, list(wrong))
    place[parsed] = np.arange(len(parsed))
    places = pa.array(place, mask=place < 0)
    spread = {name: column.take(places) for name, column in received.items()}
    return RecordBlock(text, block.lines, pa.array(reasons, pa.string()), spread)


def _without_line_ends(block: CsvBlock) -> pa.BinaryArray:
    if block.is_cut:
        return block.records
    records = pc.binary_slice(block.records, 0, -1)
    return pc.if_else(pc.ends_with(records, "\r"), pc.binary_slice(records, 0, -1), records)


def _fields(
    records: pa.BinaryArray, source: Source, header: Sequence[str]
) -> tuple[list[pa.StringArray], dict[int, int]]:
    """The columns of the records with the right number of fields, and the numbers of fields of the others by row."""
    wrong: dict[int, int] = {}

    def skip(row: arrow_csv.InvalidRow) -> str:
        wrong[row.number - 1] = row.actual_columns
        return "skip"

    if not len(records):
        return [pa.array([], pa.string()) for _ in header], wrong
    names = [f"{index}" for index in range(len(header))]
    _, offset_buffer, values = records.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32)[records.offset :]
    data = values.slice(int(offsets[0]), int(offsets[len(records)] - offsets[0]))
    table = arrow_csv.read_csv(
        pa.BufferReader(data),
        read_options=arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=data.size + 1),
        parse_options=arrow_csv.ParseOptions(
            delimiter=source.delimiter, newlines_in_values=True, invalid_row_handler=skip
        ),
        convert_options=arrow_csv.ConvertOptions(
            check_utf8=False, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )
    if len(table) + len(wrong) != len(records):
        raise AssertionError(f"{len(records)} records gave {len(table)} rows and {len(wrong)} with a wrong field count")
    return [column.combine_chunks() for column in table.columns], wrong


def _header(block: CsvBlock, reading: FileReading, source: Source) -> list[str]:
    reading.line = int(block.lines[0])
    if block.is_cut:
        raise reading.error("has a header that is too long", "check that the file is CSV")
    try:
        text = block.records[0].as_py().decode()
    except UnicodeDecodeError as error:
        raise reading.error(f"has a header that is not UTF-8: {error}", "have it delivered as UTF-8") from error
    header = next(csv.reader(io.StringIO(text, newline=""), delimiter=source.delimiter))
    check_header(reading, source, header)
    return header
