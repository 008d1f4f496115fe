"""Finds the files of a landing day, on a local disk or in S3 by the same code."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from pyarrow import fs

from platform_assets.domain.places import day_place, glob_expression
from platform_assets.domain.source import Source
from resources.object_store import open_place

_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class FoundFile:
    """A file of a landing day. `name` is its path relative to the landing zone, or to its place's fixed part."""

    filesystem: fs.FileSystem
    info: fs.FileInfo
    name: str
    landing_date: date

    @property
    def modified_at(self) -> datetime | None:
        """When it was last written to (UTC), None where the store doesn't say."""
        return self.info.mtime.astimezone(UTC) if self.info.mtime else None


def find_landed_files(source: Source, days: Iterable[date], landing_zone: str) -> list[FoundFile]:
    """The files of a source on some landing days, by day and name. A day without files gives none."""
    found: list[FoundFile] = []
    for day in sorted(set(days)):
        place = day_place(source.place, landing_zone=landing_zone, day=day, environment=os.environ)
        filesystem, base = _open_place(place.base)
        _, pattern = _open_place(place.base, place.pattern)
        for info in sorted(_matching(filesystem, pattern), key=lambda info: info.path):
            found.append(FoundFile(filesystem, info, info.path.removeprefix(base).lstrip("/"), day))
    return found


def _open_place(base: str, inside: str | None = None) -> tuple[fs.FileSystem, str]:
    """The filesystem of a place, and the path there of `base` or of what lies `inside` it.

    Options of an S3 address (`?region=...`) stand at its end; they are moved behind what follows it.
    """
    filesystem, path = open_place(base or "/")
    return filesystem, path + (inside or base).removeprefix(base)


def _matching(filesystem: fs.FileSystem, pattern: str) -> list[fs.FileInfo]:
    if not _GLOB.search(pattern):
        info = filesystem.get_file_info(pattern)
        return [info] if info.type == fs.FileType.File else []
    folder = pattern[: _GLOB.search(pattern).start()].rpartition("/")[0]  # type: ignore[union-attr]
    deep = "/" in pattern[len(folder) + 1 :]
    listed = filesystem.get_file_info(fs.FileSelector(folder, recursive=deep, allow_not_found=True))
    expression = re.compile(glob_expression(pattern))
    return [info for info in listed if info.type == fs.FileType.File and expression.fullmatch(info.path)]
