"""What a local disk does to the lakehouse: it loses what wasn't synced when the power fails, and it gets full."""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from platform_assets.domain.errors import PlatformError

SYNC_THREADS = 8
"""The journal of a file system takes many syncs at once as cheaply as one."""
FULL = (
    "no space left on device",
    "os error 28",
    "disk quota exceeded",
    "os error 122",
    "max_temp_directory_size",
    "database or disk is full",
)
"""What DuckDB, delta-rs and SQLite say of a full disk: they raise errors of their own, without the system's number."""


class DiskFull(PlatformError):
    """The disk was full. Nothing was published."""


def sync(paths: Iterable[Path]) -> None:
    """Let files and folders survive a power cut. A new file survives when its folder has been synced as well."""
    paths = list(paths)
    if len(paths) < 2:
        for path in paths:
            _sync(path)
        return
    with ThreadPoolExecutor(min(SYNC_THREADS, len(paths))) as pool:
        list(pool.map(_sync, paths))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def full_disk_is_named(
    *folders: Path, unchanged: str = "nothing was published, the table is what it was"
) -> Iterator[None]:
    """Turn the many errors of a full disk into DiskFull, which says how much room the folders have left."""
    try:
        yield
    except Exception as error:
        if not _is_full(error):
            raise
        there = [
            next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
            for folder in folders
        ]
        left = ", ".join(f"{shutil.disk_usage(path).free / 2**20:,.0f} MiB left at {path}" for path in there)
        raise DiskFull(
            f"the disk is full ({left}); {unchanged}",
            where=f"{folders[0]}",
            todo="make room (docs/runbooks/disk-full-or-crash-while-publishing.md) and run this again",
        ) from error


def _is_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if any(sign in str(error).lower() for sign in FULL):
            return True
        error = error.__cause__ or error.__context__
    return False
