"""Upkeep of one table: small files joined, a checkpoint so that it opens fast, and files deleted that nobody needs.

Runs at any time, beside publications and readers. How often, and for which tables, is decided by its callers.
"""

from dataclasses import dataclass
from pathlib import Path

from resources.compute.engine import Engine
from resources.lakehouse.compaction import compact, fragments
from resources.lakehouse.sweeping import Horizon, sweepings
from resources.lakehouse.table_folder import TableFolder
from resources.lakehouse.tables import Lakehouse

COMMITS_PER_CHECKPOINT = 20
"""A checkpoint is written once so many commits follow the last one; until then a reader reads them one by one."""


@dataclass(frozen=True)
class TableUpkeep:
    """What was done to one table, or would be: numbers of files, and bytes.

    `live_files` are named by the latest version; `stored_files` lie in the table's folder, the log left out.
    """

    table: str
    live_files_before: int
    live_files: int
    stored_files_before: int
    stored_files: int
    expired_files: int
    orphans: int
    freed_bytes: int
    log_files: int
    log_bytes: int
    checkpoint: bool


def maintain_table(
    lakehouse: Lakehouse, engine: Engine, table: str, staging_folder: Path, horizon: Horizon, *, dry_run: bool = False
) -> TableUpkeep:
    """Compact, checkpoint and sweep one table; `engine` should have one thread, so that few files are written.

    What was the latest version at the horizon or later stays readable, and the log keeps its history.
    """
    folder = TableFolder(lakehouse, table)
    live_before = len(lakehouse.snapshot(table).files)
    stored_before = sum(file.is_data for file in folder.files())
    if not dry_run:
        compact(lakehouse, engine, table, staging_folder)
    checkpoint = _checkpoint_if_due(lakehouse, folder, dry_run=dry_run)
    old = sweepings(lakehouse, table, horizon.instant)
    if not dry_run:
        folder.delete(file.path for file in old.files)
    snapshot, files = lakehouse.snapshot(table), folder.files()
    log = [file for file in files if file.is_log]
    joined = sum(len(group) - 1 for group in fragments(snapshot)) if dry_run else 0
    swept = sum(file.is_data for file in old.files) if dry_run else 0
    return TableUpkeep(
        table=table,
        live_files_before=live_before,
        live_files=len(snapshot.files) - joined,
        stored_files_before=stored_before,
        stored_files=sum(file.is_data for file in files) - swept,
        expired_files=len(old.expired),
        orphans=len(old.orphans),
        freed_bytes=old.bytes,
        log_files=len(log),
        log_bytes=sum(file.bytes for file in log),
        checkpoint=checkpoint,
    )


def _checkpoint_if_due(lakehouse: Lakehouse, folder: TableFolder, *, dry_run: bool) -> bool:
    snapshot = lakehouse.snapshot(folder.table)
    due = snapshot.version - folder.last_checkpoint() >= COMMITS_PER_CHECKPOINT
    if due and not dry_run:
        snapshot.delta.create_checkpoint()
    return due
