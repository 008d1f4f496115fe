"""What lies in a table's folder, whether a version names it or not: list it, read it, delete from it.

Which files a version names stands in `tables`; which may go is decided in `sweeping` and `erasure`.
"""

import json
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from resources.lakehouse.tables import Lakehouse

LOG_FOLDER = "_delta_log/"
CLOCK_TOLERANCE = timedelta(hours=1)
"""How far the clock of a store may be from the clock of those who commit."""
_TEMPORARY = re.compile(r"#\d+$")
_LOG_ENTRY = re.compile(r"_delta_log/(\d{20})\.json$")


@dataclass(frozen=True)
class StoredFile:
    """One file as the store lists it. `path` is relative to the table, as it is on disk (not URL-encoded)."""

    path: str
    bytes: int
    modified_at: datetime

    @property
    def is_temporary(self) -> bool:
        """Whether it is what a killed write left behind: `<name>#<number>`."""
        return _TEMPORARY.search(self.path) is not None

    @property
    def is_log(self) -> bool:
        """Whether it belongs to the Delta log."""
        return self.path.startswith(LOG_FOLDER)

    @property
    def is_data(self) -> bool:
        """Whether it is a data file; names that begin with `_` or `.` belong to Delta or to the file system."""
        return not any(part.startswith(("_", ".")) for part in self.path.split("/"))


class TableFolder:
    """The files below one table's place, local or on S3; with the table "" those below the lakehouse's root."""

    def __init__(self, lakehouse: Lakehouse, table: str) -> None:
        self._lakehouse, self.table = lakehouse, table

    @cached_property
    def _place(self) -> tuple[Any, str]:
        filesystem, root = self._lakehouse.filesystem()
        return filesystem, f"{root}/{self.table}".rstrip("/")

    def files(self, below: str = "") -> list[StoredFile]:
        """Every file as it lies there now, in the order of paths."""
        from pyarrow.fs import FileSelector, FileType

        filesystem, root = self._place
        infos = filesystem.get_file_info(FileSelector(f"{root}/{below}".rstrip("/"), recursive=True))
        files = [
            StoredFile(info.path.removeprefix(f"{root}/"), info.size, info.mtime.astimezone(UTC))
            for info in infos
            if info.type == FileType.File
        ]
        return sorted(files, key=lambda file: file.path)

    def read(self, path: str) -> bytes:
        """A whole file."""
        filesystem, root = self._place
        with filesystem.open_input_stream(f"{root}/{path}", compression=None) as stream:
            return stream.read()

    @contextmanager
    def as_local(self, path: str, scratch: Path) -> Iterator[Path]:
        """A file as a local one: itself, or a copy below `scratch` for as long as it is used."""
        filesystem, root = self._place
        if self._lakehouse.is_local:
            yield Path(root) / path
            return
        from pyarrow.fs import LocalFileSystem, copy_files

        scratch.mkdir(parents=True, exist_ok=True)
        copy = scratch / uuid.uuid4().hex
        try:
            copy_files(
                f"{root}/{path}", str(copy), source_filesystem=filesystem, destination_filesystem=LocalFileSystem()
            )
            yield copy
        finally:
            copy.unlink(missing_ok=True)

    def delete(self, paths: Iterable[str]) -> None:
        """Delete files; one that is gone already is not missed."""
        filesystem, root = self._place
        for path in paths:
            try:
                filesystem.delete_file(f"{root}/{path}")
            except FileNotFoundError:
                continue

    def removed_since(self, instant: datetime) -> set[str]:
        """Paths of the data files that commits have removed since an instant: versions from then on may name them."""
        milliseconds = int(instant.timestamp() * 1000)  # as coarse as the log tells it
        removed = set()
        for file in self.files(LOG_FOLDER):
            if _LOG_ENTRY.match(file.path) and file.modified_at >= instant - CLOCK_TOLERANCE:
                for line in self.read(file.path).splitlines():
                    action = json.loads(line).get("remove")
                    if action and action.get("deletionTimestamp", milliseconds) >= milliseconds:
                        removed.add(unquote(action["path"]))
        return removed

    def last_checkpoint(self) -> int:
        """The version that the table's last checkpoint holds, -1 without one."""
        try:
            return int(json.loads(self.read(f"{LOG_FOLDER}_last_checkpoint"))["version"])
        except FileNotFoundError:
            return -1
