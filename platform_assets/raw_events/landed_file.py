"""One file of a landing day: its bytes, decompressed, counted and hashed while they are read, and its faults.

What is in the bytes is the business of the readers of each format (`line_records`, `csv_records`, `parquet_records`).
"""

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Protocol

import pyarrow as pa
from pyarrow import fs

from platform_assets.domain.errors import PlatformError

_CHUNK = 4 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GZIP = 16 + zlib.MAX_WBITS


class ConfiguresLimits(Protocol):
    """What says how much of a file is read: the settings, or the landing zone's resource."""

    @property
    def max_file_bytes(self) -> int: ...  # noqa: D102 - see ReadLimits
    @property
    def max_record_bytes(self) -> int: ...  # noqa: D102
    @property
    def max_nesting(self) -> int: ...  # noqa: D102


@dataclass(frozen=True)
class ReadLimits:
    """How much of a file is believed before it is refused or cut.

    A file that decompresses to more than `max_file_bytes` is refused whole, whatever its compression ratio. A record
    over `max_record_bytes` or nested deeper than `max_nesting` goes to the quarantine, the former cut to
    `kept_bytes`. `batch_bytes` is the size of what is in memory at a time.
    """

    max_file_bytes: int = 8 << 30
    max_record_bytes: int = 1 << 20
    kept_bytes: int = 64 << 10
    max_nesting: int = 32
    batch_bytes: int = 8 << 20

    @classmethod
    def configured(cls, by: ConfiguresLimits) -> "ReadLimits":
        """The limits that a configuration names; those that it doesn't name keep their defaults."""
        return cls(max_file_bytes=by.max_file_bytes, max_record_bytes=by.max_record_bytes, max_nesting=by.max_nesting)


@dataclass(frozen=True)
class LandedFile:
    """What was read of one file: `bytes` and `sha256` are of the file as it lies there, `column_types` what it says of
    its columns itself (Parquet)."""

    landing_date: date
    file: str
    bytes: int
    sha256: str
    records: int
    blank_lines: int
    modified_at: datetime | None
    column_types: Mapping[str, str] = field(default_factory=dict)
    corrected: int = 0


class LandedFileError(PlatformError):
    """A file as a whole can't be read to its end. Nothing of the run may be published."""

    def __init__(self, what: str, *, file: str, line: int | None = None, todo: str = "") -> None:
        self.file, self.line = file, line
        super().__init__(what, where=file if line is None else f"{file}:{line}", todo=todo)


class FileReading:
    """One pass over one file. `line` is the line reached, and names the place in errors."""

    def __init__(
        self, filesystem: fs.FileSystem, found: fs.FileInfo, *, file: str, landing_date: date, limits: ReadLimits
    ) -> None:
        self.filesystem, self.found = filesystem, found
        self.file, self.landing_date, self.limits = file, landing_date, limits
        self.line: int | None = None
        self.records = 0
        self.blank_lines = 0
        self.column_types: Mapping[str, str] = {}
        self._sha256 = hashlib.sha256()
        self._bytes = 0

    def error(self, what: str, todo: str) -> LandedFileError:
        """An error at the line that was reached."""
        return LandedFileError(what, file=self.file, line=self.line, todo=todo)

    def again(self) -> "FileReading":
        """A second pass over the same file; its counts stay apart from those of this one."""
        return FileReading(
            self.filesystem, self.found, file=self.file, landing_date=self.landing_date, limits=self.limits
        )

    def open_file(self) -> pa.NativeFile:
        """The file for reading at any place; hash and size are then taken by `received_chunks`."""
        try:
            return self.filesystem.open_input_file(self.found.path)
        except OSError as error:
            raise self._unreadable(error) from error

    def received_chunks(self) -> Iterator[bytes]:
        """The bytes as they lie there."""
        try:
            with self.filesystem.open_input_stream(self.found.path, compression=None) as stream:
                while chunk := stream.read(_CHUNK):
                    self._sha256.update(chunk)
                    self._bytes += len(chunk)
                    yield chunk
        except OSError as error:
            raise self._unreadable(error) from error

    def text_chunks(self) -> Iterator[bytes]:
        """The text, decompressed if it is gzip, without a byte order mark."""
        decompressed = 0
        first = True
        for chunk in self._decompressed_chunks():
            decompressed += len(chunk)
            if decompressed > self.limits.max_file_bytes:
                raise self.error(
                    f"decompresses to more than {self.limits.max_file_bytes:,} bytes",
                    "if the file is honest, raise the limit in the settings; otherwise remove it from the landing zone",
                )
            yield chunk.removeprefix(_BYTE_ORDER_MARK) if first else chunk
            first = False

    def finished(self) -> LandedFile:
        """What was read; raises LandedFileError if the file changed meanwhile."""
        now = self.filesystem.get_file_info(self.found.path)
        before = (self.found.size, self.found.mtime_ns)
        if (now.size, now.mtime_ns) != before or self._bytes != self.found.size:
            raise self.error(
                "changed while it was read",
                "have files written under another name and renamed when they are complete, then run again",
            )
        return LandedFile(
            landing_date=self.landing_date,
            file=self.file,
            bytes=self._bytes,
            sha256=self._sha256.hexdigest(),
            records=self.records,
            blank_lines=self.blank_lines,
            modified_at=self.found.mtime.astimezone(UTC) if self.found.mtime else None,
            column_types=self.column_types,
        )

    def _decompressed_chunks(self) -> Iterator[bytes]:
        chunks = self.received_chunks()
        first = next(chunks, b"")
        if first.startswith(_GZIP_MAGIC):
            yield from self._members(first, chunks)
        else:
            yield first
            yield from chunks

    def _members(self, first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
        """Every member of a gzip file; zeros after a member are padding."""
        member, begun = zlib.decompressobj(_GZIP), False
        data, limit = first, self.limits.batch_bytes
        while data:
            try:
                data = data if begun else data.lstrip(b"\0")
                while data or (begun and not member.eof):
                    begun = True
                    text = member.decompress(data, limit)
                    if text:
                        yield text
                    elif not data:
                        break
                    data = member.unconsumed_tail
                    if member.eof:
                        data, begun = member.unused_data.lstrip(b"\0"), False
                        member = zlib.decompressobj(_GZIP)
            except zlib.error as error:
                raise self.error(f"is damaged gzip ({error})", "have the file delivered again") from error
            data = next(rest, b"")
        if begun:
            raise self.error("is gzip cut short", "have the file delivered again, complete")

    def _unreadable(self, error: Exception) -> LandedFileError:
        return self.error(
            f"can't be read: {error}", "check that the file is still there and may be read, then run again"
        )
