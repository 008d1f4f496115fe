"""Corrections: records that people mended, read in the place of what the landed file holds.

A correction names its record by file and line and knows the received text by its digest, so that it is never put in
the place of another one. Where corrections are kept stands in `stored_corrections`, who stores them in the command
`platform quarantine`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from platform_assets.domain.errors import PlatformError
from platform_assets.raw_events.line_records import Lines, RecordBlock


class CorrectionOutdated(PlatformError):
    """The record that was corrected is not what its file holds now. Nothing of the run may be published."""


@dataclass(frozen=True)
class Correction:
    """The text that is read in the place of one landed record."""

    landing_date: date
    file: str
    line: int
    record: str
    original_sha256: str


def record_digest(record: str) -> str:
    """Digest of a record as its reader received it: the text that the quarantine shows."""
    return hashlib.sha256(record.encode()).hexdigest()


class FileCorrections:
    """The corrections of one file, and which of them have been applied so far."""

    def __init__(self, file: str, corrections: Sequence[Correction] = ()) -> None:
        self._file = file
        self._by_line: Mapping[int, Correction] = {correction.line: correction for correction in corrections}
        self._lines = np.array(sorted(self._by_line), np.int64)
        self._applied: set[int] = set()

    def applied_to(self, block: RecordBlock, parse: Callable[[Sequence[bytes], Lines], RecordBlock]) -> RecordBlock:
        """The block with its corrected records, which `parse` reads as if their text had been in the file.

        Raises CorrectionOutdated if a record is not the one that was corrected.
        """
        if not self._by_line:
            return block
        rows = np.flatnonzero(np.isin(block.lines, self._lines))
        if not len(rows):
            return block
        chosen = [self._by_line[int(line)] for line in block.lines[rows]]
        for row, correction in zip(rows, chosen, strict=True):
            received = block.records[int(row)].as_py()
            if received is None or record_digest(received) != correction.original_sha256:
                raise self._outdated(correction.line, "the record is not the one that was corrected")
        self._applied.update(correction.line for correction in chosen)
        mended = parse([correction.record.encode() for correction in chosen], block.lines[rows])
        return _spliced(block, mended, rows)

    def count(self) -> int:
        """How many corrections were applied, once the file has been read; raises CorrectionOutdated if one was not."""
        for line in self._by_line:
            if line not in self._applied:
                raise self._outdated(line, "no record begins in this line any more")
        return len(self._applied)

    def _outdated(self, line: int, what: str) -> CorrectionOutdated:
        return CorrectionOutdated(
            what,
            where=f"{self._file}:{line}",
            todo="the file was delivered again: withdraw its corrections (`platform quarantine withdraw --help`), "
            "then see what is still quarantined",
        )


def _spliced(block: RecordBlock, mended: RecordBlock, rows: npt.NDArray[np.intp]) -> RecordBlock:
    """The block with some of its rows taken from another one."""
    place = np.arange(len(block.lines))
    place[rows] = len(block.lines) + np.arange(len(rows))
    places = pa.array(place)

    def joined(received: pa.Array, instead: pa.Array) -> pa.Array:
        return pa.concat_arrays([received, instead]).take(places)

    def problems(of: RecordBlock) -> pa.StringArray:
        return of.problems if of.problems is not None else pa.nulls(len(of.lines), pa.string())

    columns = {name: joined(column, mended.columns[name]) for name, column in block.columns.items()}
    return RecordBlock(
        joined(block.records, mended.records), block.lines, joined(problems(block), problems(mended)), columns
    )
