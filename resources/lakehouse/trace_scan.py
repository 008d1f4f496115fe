"""Looks for traces of a person in the bytes of files: what erasure left is found here, by other means than it used.

Every byte is read. Parquet is compressed, so besides its bytes the decoded values of all its columns, their
dictionaries and the statistics in its footer are looked at.
"""

import json
import mmap
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platform_assets.domain.erasure import Person, free_text_columns, mention_pattern
from platform_assets.domain.source import Source
from resources.lakehouse.table_folder import TableFolder
from resources.lakehouse.tables import Lakehouse

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_CONTEXT_BYTES = 8


@dataclass(frozen=True)
class Trace:
    """A place where a person was found. It never quotes what was found."""

    file: str
    where: str

    def __str__(self) -> str:
        return f"{self.file}: {self.where}"


@dataclass
class Scan:
    """What was looked at, and what was found."""

    files: int = 0
    bytes: int = 0
    traces: list[Trace] = field(default_factory=list)

    def add(self, file: str, size: int, found: set[str]) -> None:
        """Count a file and note what was found in it."""
        self.files += 1
        self.bytes += size
        self.traces += [Trace(file, where) for where in sorted(found)]

    def and_of(self, other: "Scan") -> "Scan":
        """Both scans as one."""
        return Scan(self.files + other.files, self.bytes + other.bytes, self.traces + other.traces)


@dataclass(frozen=True)
class TraceScanner:
    """Looks for one person. `scratch` takes copies of remote files, one at a time."""

    person: Person
    scratch: Path

    def lakehouse(self, lakehouse: Lakehouse, source_of: Callable[[str], Source | None]) -> Scan:
        """Every file below the lakehouse's root, whatever it is: data, log, checkpoints, orphans."""
        scan = Scan()
        folder = TableFolder(lakehouse, "")
        for file in folder.files():
            table = file.path.partition("/")[0]
            with folder.as_local(file.path, self.scratch) as path:
                found = self.in_file(path, source_of(table))
            found |= {"its name"} if self._in_bytes(file.path.encode()) else set()
            scan.add(f"{lakehouse.root}/{file.path}", file.bytes, found)
        return scan

    def folder(self, folder: Path) -> Scan:
        """Every file below a local folder."""
        scan = Scan()
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            scan.add(str(path), path.stat().st_size, self.in_file(path, None))
        return scan

    def in_file(self, path: Path, source: Source | None) -> set[str]:
        """Where in a file the person is found."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        found = {"its bytes"} if self._in_local_file(path) else set()
        with path.open("rb") as stream:
            if stream.read(4) != b"PAR1":
                return found
        try:
            texts = [each.name for each in pq.read_schema(path) if pa.types.is_string(each.type)]
            # As dictionaries, unique texts are looked at once, and those that no row refers to as well.
            with pq.ParquetFile(path, read_dictionary=texts) as parquet:
                return found | self._in_parquet(parquet, source)
        except pa.ArrowInvalid:
            return found | {"an unreadable Parquet file, which nobody can vouch for"}

    def _in_local_file(self, path: Path) -> bool:
        if path.stat().st_size == 0:
            return False
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return self._in_bytes(content)

    def _in_bytes(self, content: Any) -> bool:
        """Pseudonyms anywhere, unmistakable identifiers as a whole. Shorter ones would be found by chance."""
        return any(
            self._is_whole(content, match) if is_identifier else True
            for pattern, is_identifier in self._byte_patterns
            for match in pattern.finditer(content)
        )

    @cached_property
    def _byte_patterns(self) -> list[tuple[re.Pattern[bytes], bool]]:
        patterns = []
        if self.person.all_pseudonyms:
            patterns.append((re.compile("|".join(self.person.all_pseudonyms).encode()), False))
        if self.person.unmistakable:
            texts = [re.escape(form) for form in _written_forms(self.person.unmistakable)]
            patterns.append((re.compile(b"|".join(texts), re.IGNORECASE), True))
        return patterns

    def _is_whole(self, content: Any, match: re.Match[bytes]) -> bool:
        around = content[max(0, match.start() - _CONTEXT_BYTES) : match.end() + _CONTEXT_BYTES]
        return self._whole.search(around.decode("utf-8", errors="replace")) is not None

    @cached_property
    def _whole(self) -> re.Pattern[str]:
        return re.compile(mention_pattern(self.person.unmistakable, escaped=True, word=r"\w"))

    def _in_parquet(self, parquet: "pq.ParquetFile", source: Source | None) -> set[str]:
        import pyarrow as pa

        names = parquet.schema_arrow.names
        free = set(free_text_columns(names, source))
        found = {
            f"column {name}, statistics" for name, texts in _statistics(parquet) if self._in_texts(texts, name in free)
        }
        for batch in parquet.iter_batches():
            for name, column in zip(names, batch.columns, strict=True):
                if f"column {name}" not in found and self._in_texts(_texts(pa.array(column)), name in free):
                    found.add(f"column {name}")
        return found

    def _in_texts(self, texts: "pa.Array", is_free_text: bool) -> bool:
        import pyarrow.compute as pc

        patterns = ["|".join(self.person.all_pseudonyms)] if self.person.all_pseudonyms else []
        values = self.person.values if is_free_text else self.person.unmistakable
        patterns += [mention_pattern(values, escaped=True)] if values else []
        return any(pc.any(pc.match_substring_regex(texts, pattern)).as_py() for pattern in patterns)


def _written_forms(values: tuple[str, ...]) -> list[bytes]:
    from urllib.parse import quote, quote_plus

    forms = {form for value in values for form in (value, quote(value), quote(value, safe=""), quote_plus(value))}
    return sorted({form.encode() for form in forms | {json.dumps(value)[1:-1] for value in values}})


def _texts(column: "pa.Array") -> "pa.Array":
    """Every text in a column: unique ones of a dictionary, the written form of nested values."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        return _texts(column.dictionary)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column
    if pa.types.is_nested(column.type):
        written = [json.dumps(value, default=str, ensure_ascii=False) for value in column.to_pylist()]
        return pa.array(written, pa.string())
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return pa.array(
            [value and value.decode("utf-8", errors="replace") for value in column.to_pylist()], pa.string()
        )
    return pa.array([], pa.string())


def _statistics(parquet: "pq.ParquetFile") -> "Iterator[tuple[str, pa.Array]]":
    """Smallest and largest texts that the footer tells of, by column."""
    import pyarrow as pa

    metadata = parquet.metadata
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            column = metadata.row_group(group).column(index)
            known = column.statistics
            if known is not None and known.has_min_max:
                texts = [value for value in (known.min, known.max) if isinstance(value, str)]
                yield column.path_in_schema, pa.array(texts, pa.string())
