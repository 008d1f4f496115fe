"""Splits CSV text into records where quoted fields may hold line ends, without a loop over records.

Quotes are read as Python's csv module reads them: they open a field only at its beginning, `""` inside stands for one,
and what follows a closed field belongs to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from platform_assets.raw_events.landed_file import FileReading
from platform_assets.raw_events.line_records import NotOneRecord, binary_array

_QUOTE, _NEWLINE, _RETURN = ord('"'), ord("\n"), ord("\r")
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True)
class CsvBlock:
    """Consecutive records with their line ends, the lines where they begin, and which of them have a carriage return
    outside quotes that ends no line. `is_cut` marks the kept beginning of a single record that was too long."""

    records: pa.BinaryArray
    lines: npt.NDArray[np.int64]
    stray_returns: npt.NDArray[np.bool_]
    is_cut: bool = False

    def only(self, chosen: npt.NDArray[np.bool_]) -> "CsvBlock":
        """The block with some of its records."""
        if chosen.all():
            return self
        records = self.records.filter(pa.array(chosen))
        return CsvBlock(records, self.lines[chosen], self.stray_returns[chosen], self.is_cut)


class OpenQuote(Exception):
    """The file ended within a quoted field of the record that begins in `line`."""

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(line)


class Quotes:
    """Where text that begins outside quotes is inside of them."""

    def __init__(self, data: bytes, delimiter: str) -> None:
        text = np.frombuffer(data, np.uint8)
        quotes = np.flatnonzero(text == _QUOTE)
        self._opens, self._closes = quotes[0::2], quotes[1::2]
        if not self._alternate(text, ord(delimiter)):
            self._opens, self._closes = _walk(data, quotes.tolist(), delimiter.encode())

    @property
    def is_open_at_end(self) -> bool:
        """Whether the text ends inside quotes."""
        return len(self._opens) > len(self._closes)

    def outside(self, positions: Positions) -> Positions:
        """Those of the positions that are outside quotes."""
        opened, closed = np.searchsorted(self._opens, positions), np.searchsorted(self._closes, positions)
        return positions[opened == closed]

    def _alternate(self, text: npt.NDArray[np.uint8], delimiter: int) -> bool:
        """Whether quotes stand only where taking them as opening and closing in turn is right."""
        edges = (delimiter, _NEWLINE, _RETURN, _QUOTE)
        opens, closes = self._opens[self._opens > 0], self._closes[self._closes < len(text) - 1]
        return bool(np.all(np.isin(text[opens - 1], edges)) and np.all(np.isin(text[closes + 1], edges)))


def _walk(data: bytes, quotes: list[int], delimiter: bytes) -> tuple[Positions, Positions]:
    """The quotes that open and close fields, one after another: for text with quotes in unquoted places."""
    opens: list[int] = []
    closes: list[int] = []
    escaped = -1
    for at in quotes:
        if at == escaped:
            continue
        if len(opens) > len(closes):
            if data[at + 1 : at + 2] == b'"':
                escaped = at + 1
            else:
                closes.append(at)
        elif at == 0 or data[at - 1 : at] in (delimiter, b"\n", b"\r"):
            opens.append(at)
    return np.array(opens, np.intp), np.array(closes, np.intp)


def split_csv(reading: FileReading, delimiter: str) -> Iterator[CsvBlock]:
    """The records of a CSV file, header included; raises OpenQuote at the end if a quote was never closed."""
    rest, line = b"", 1
    too_long: _TooLong | None = None
    for received in reading.text_chunks():
        chunk = received
        if too_long:
            chunk = too_long.rest_after(chunk)
            if not too_long.is_complete:
                continue
            yield too_long.block(line)
            line, rest, too_long = line + too_long.newlines, b"", None
        data = rest + chunk
        quotes = Quotes(data, delimiter)
        reading.line = line
        size, newlines, block = _complete_records(data, quotes, line)
        if block:
            yield block
        rest, line = data[size:], line + newlines
        if len(rest) > reading.limits.max_record_bytes + 1:
            too_long = _TooLong(rest, quotes.is_open_at_end, reading.limits.kept_bytes)
    if too_long:
        if too_long.is_open:
            raise OpenQuote(line)
        yield too_long.block(line)
    elif rest:
        if Quotes(rest, delimiter).is_open_at_end:
            raise OpenQuote(line)
        _, _, block = _complete_records(rest + b"\n", Quotes(rest, delimiter), line)
        if block:
            yield block


def records_of_texts(texts: Sequence[bytes], lines: npt.NDArray[np.int64], delimiter: str) -> CsvBlock:
    """Texts as the records that begin in these lines. Raises NotOneRecord."""
    strays = []
    for text, line in zip(texts, lines.tolist(), strict=True):
        ended = text + b"\n"
        size, _, block = _complete_records(ended, Quotes(ended, delimiter), line)
        if block is None or size != len(ended) or len(block.lines) != 1 or not text.strip(b"\r"):
            raise NotOneRecord(line)
        strays.append(bool(block.stray_returns[0]))
    return CsvBlock(pa.array([text + b"\n" for text in texts], pa.binary()), lines, np.array(strays))


class _TooLong:
    """A record that is not kept in memory: its beginning, and whether it has come to its end."""

    def __init__(self, begun: bytes, is_open: bool, kept_bytes: int) -> None:
        self.kept, self.is_open, self.is_complete = begun[:kept_bytes], is_open, False
        self.newlines = begun.count(b"\n")

    def rest_after(self, chunk: bytes) -> bytes:
        """What follows the record in a chunk; nothing as long as it isn't complete."""
        text = np.frombuffer(chunk, np.uint8)
        newlines, quotes = np.flatnonzero(text == _NEWLINE), np.flatnonzero(text == _QUOTE)
        ends = newlines[(np.searchsorted(quotes, newlines) + self.is_open) % 2 == 0]
        if not len(ends):
            self.is_open = bool((len(quotes) + self.is_open) % 2)
            self.newlines += len(newlines)
            return b""
        self.is_complete = True
        self.newlines += int(np.searchsorted(newlines, ends[0])) + 1
        return chunk[ends[0] + 1 :]

    def block(self, line: int) -> CsvBlock:
        """The kept beginning as a record of its own."""
        return CsvBlock(pa.array([self.kept], pa.binary()), np.array([line]), np.array([False]), is_cut=True)


def _complete_records(data: bytes, quotes: Quotes, first_line: int) -> tuple[int, int, CsvBlock | None]:
    """The records that end within a text that begins with one; how many bytes and lines they take."""
    text = np.frombuffer(data, np.uint8)
    newlines = np.flatnonzero(text == _NEWLINE)
    ends = quotes.outside(newlines) + 1
    if not len(ends):
        return 0, 0, None
    offsets = np.concatenate(([0], ends))
    stray = np.zeros(len(ends), np.bool_)
    if b"\r" in data:
        returns = quotes.outside(np.flatnonzero(text[: ends[-1]] == _RETURN))
        returns = returns[text[returns + 1] != _NEWLINE]
        stray[np.searchsorted(ends, returns, side="right")] = True
    records = binary_array(offsets.astype(np.int32), data)
    lines = first_line + np.searchsorted(newlines, offsets)
    return int(ends[-1]), int(lines[-1]) - first_line, CsvBlock(records, lines[:-1], stray)
