"""Which files no reader needs any more: of versions past their retention, and of publications that died.

A file may go if no version that is still promised names it. Rewriting small files stands in `compaction`, removing a
person in `erasure`.
"""

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from resources.lakehouse.table_folder import StoredFile, TableFolder
from resources.lakehouse.tables import Lakehouse

SHORTEST_RETENTION = timedelta(days=1)
"""A file may lie beside its table this long before it is committed, and a reader may take this long."""


@dataclass(frozen=True)
class Horizon:
    """Versions that were the latest at `instant` or after it stay readable. `reason` says why it lies where it does."""

    instant: datetime
    reason: str


def horizon(now: datetime, retention: timedelta, oldest_run_began: datetime | None = None) -> Horizon:
    """`now` less the retention, or the start of the oldest run in progress if that was earlier: it pins its reads."""
    retained = now - max(retention, SHORTEST_RETENTION)
    if oldest_run_began is not None and oldest_run_began < retained:
        return Horizon(oldest_run_began, "the oldest run in progress began then")
    return Horizon(retained, f"{max(retention, SHORTEST_RETENTION).days} days of retention")


@dataclass(frozen=True)
class Sweepings:
    """Files of a table that may go: `expired` were named by versions past the horizon, `orphans` never by any."""

    expired: tuple[StoredFile, ...]
    orphans: tuple[StoredFile, ...]

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """All of them."""
        return self.expired + self.orphans

    @property
    def bytes(self) -> int:
        """What they take up."""
        return sum(file.bytes for file in self.files)


def sweepings(lakehouse: Lakehouse, table: str, before: datetime) -> Sweepings:
    """What may be deleted of a table so that every version that was the latest at `before` or later stays whole.

    Publications may commit meanwhile: their files lie there since after `before`, and what they remove is live here.
    """
    folder = TableFolder(lakehouse, table)
    old = [file for file in folder.files() if file.modified_at < before]
    snapshot = lakehouse.snapshot(table)
    # In this order: what a commit removes after the snapshot was opened still counts as live.
    needed = {file.path for file in snapshot.files} | folder.removed_since(before)
    gone = [file for file in old if file.is_temporary or (file.is_data and file.path not in needed)]
    if not gone:
        return Sweepings((), ())
    batches = {entry["batch_id"] for entry in snapshot.delta.history() if "batch_id" in entry}
    orphans = [file for file in gone if not _is_of(file, batches)]
    return Sweepings(tuple(file for file in gone if file not in orphans), tuple(orphans))


def _is_of(file: StoredFile, batches: Collection[str]) -> bool:
    return not file.is_temporary and file.path.removesuffix(".parquet").rpartition("-")[2] in batches


def stale_staging(staging_folder: Path, before: datetime) -> list[Path]:
    """Results and spill files in the staging folder that nobody has written to since `before`: their runs are dead."""
    if not staging_folder.is_dir():
        return []
    spill = staging_folder / "spill"
    kept = [path for path in staging_folder.iterdir() if path != spill]
    candidates = [*kept, *(spill.iterdir() if spill.is_dir() else ())]
    return sorted(path for path in candidates if _last_written(path) < before)


def _last_written(path: Path) -> datetime:
    return datetime.fromtimestamp(max(each.lstat().st_mtime for each in (path, *path.rglob("*"))), UTC)


def sweep_staging(paths: Collection[Path]) -> int:
    """Delete left-overs of the staging folder; returns their bytes."""
    freed = 0
    for path in paths:
        freed += sum(each.lstat().st_size for each in (path, *path.rglob("*")) if each.is_file())
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return freed
