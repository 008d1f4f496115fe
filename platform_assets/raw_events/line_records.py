"""Splits text into lines, one record a line, without a loop over lines: JSON lines and access logs.

The record is the line without its end. Blank lines are no records, but count as lines.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from platform_assets.domain.errors import PlatformError
from platform_assets.raw_events.landed_file import FileReading, ReadLimits

Lines = npt.NDArray[np.int64]
"""Line numbers from 1."""


@dataclass(frozen=True)
class RecordBlock:
    """Consecutive records of a file: their text, the lines where they begin, what kept them from being read (null:
    nothing), and their fields as received where the format's reader splits them."""

    records: pa.StringArray
    lines: Lines
    problems: pa.StringArray | None = None
    columns: dict[str, pa.StringArray] = field(default_factory=dict)


def line_records(reading: FileReading) -> Iterator[RecordBlock]:
    """The lines of a text file."""
    line = 1
    for data, cut in _whole_lines(reading.text_chunks(), reading.limits):
        if cut:
            records, ends = pa.array([data], pa.binary()), np.array([0])
            lines, count = np.array([line]), 1
        else:
            records, ends, count = split_lines(data)
            lines = line + ends
        line += count
        reading.line = line - 1
        reading.blank_lines += count - len(records)
        reading.records += len(records)
        if len(records):
            text, problems = readable_text(records, reading.limits, cut=cut)
            yield RecordBlock(text, lines, problems)


class NotOneRecord(PlatformError):
    """A text that was given for a record is none, or more than one."""

    def __init__(self, line: int) -> None:
        super().__init__(
            "the text is not exactly one record",
            where=f"line {line}",
            todo="give one record without the line end behind it; a record can't be split, joined or removed",
        )


def records_of_lines(texts: Sequence[bytes], lines: Lines, limits: ReadLimits) -> RecordBlock:
    """Texts as the records of these lines. Raises NotOneRecord."""
    for value, line in zip(texts, lines, strict=True):
        if b"\n" in value or not value.strip(b"\r"):
            raise NotOneRecord(int(line))
    text, problems = readable_text(pa.array(texts, pa.binary()), limits)
    return RecordBlock(text, lines, problems)


def _whole_lines(chunks: Iterator[bytes], limits: ReadLimits) -> Iterator[tuple[bytes, bool]]:
    """Text that ends where a line ends; True marks the kept beginning of a single line that was too long."""
    rest, skipping = b"", False
    for received in chunks:
        chunk = received
        if skipping:
            end = chunk.find(b"\n")
            if end < 0:
                continue
            yield rest, True
            chunk, rest, skipping = chunk[end + 1 :], b"", False
        end = chunk.rfind(b"\n") + 1
        if end:
            yield rest + chunk[:end], False
            rest = chunk[end:]
        else:
            rest += chunk
        if len(rest) > limits.max_record_bytes + 1:
            rest, skipping = rest[: limits.kept_bytes], True
    if rest:
        yield rest, skipping


def split_lines(data: bytes) -> tuple[pa.BinaryArray, Lines, int]:
    """The lines of a text that are not blank, their places among all lines from 0, and the number of all lines."""
    if b"\r" in data:  # a search for one byte is much faster than one for two
        data = data.replace(b"\r\n", b"\n")
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends - np.arange(len(ends))
    filled = np.flatnonzero(np.diff(offsets))
    if len(filled) < len(ends):
        offsets = np.append(offsets[filled], offsets[-1])
    return binary_array(offsets, data.replace(b"\n", b"")), filled.astype(np.int64), len(ends)


def binary_array(offsets: npt.NDArray[np.int32], data: bytes) -> pa.BinaryArray:
    """Values that lie one after another in `data`, without a copy."""
    buffers = [None, pa.py_buffer(np.ascontiguousarray(offsets)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)


def readable_text(
    records: pa.BinaryArray, limits: ReadLimits, *, cut: bool = False
) -> tuple[pa.StringArray, pa.StringArray | None]:
    """The records as text and their problems (None: no record has any): too long, or not UTF-8.

    A record that is too long is cut; bytes that are not UTF-8 are shown as backslash escapes.
    """
    sizes = pc.binary_length(records)
    longest = pc.max(sizes).as_py() or 0
    text = records.view(pa.string())
    if longest <= limits.max_record_bytes and not cut:
        try:
            text.validate(full=True)
        except pa.ArrowInvalid:
            pass
        else:
            return text, None
    shown: list[str] = []
    problems: list[str | None] = []
    for value in records.to_pylist():
        problem = None
        if cut or len(value) > limits.max_record_bytes:
            problem = f"record_too_long: more than {limits.max_record_bytes} bytes, the first {limits.kept_bytes} kept"
            value = value[: limits.kept_bytes].decode("utf-8", "ignore").encode()
        try:
            shown.append(value.decode())
        except UnicodeDecodeError as error:
            shown.append(value.decode("utf-8", "backslashreplace"))
            problem = problem or f"not_utf8: byte {error.start + 1} is {value[error.start]:#04x}"
        problems.append(problem)
    return pa.array(shown, pa.string()), pa.array(problems, pa.string())
