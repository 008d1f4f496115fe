"""Small files of a slice become few: the same rows in fewer files, in a commit that changes no data.

What is deleted afterwards, and when, stands in `sweeping`.
"""

import shutil
import uuid
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import ibis

from platform_assets.domain.errors import PlatformError
from resources.compute.engine import PUBLISH, Engine, StagedFile
from resources.lakehouse.io_manager import read_files, schema_of
from resources.lakehouse.rewriting import FilesReplacedMeanwhile, replace_files
from resources.lakehouse.tables import ActiveFile, Lakehouse, Snapshot

TARGET_BYTES = 128 * 2**20
"""Files are joined up to this size: large enough to read in one go, small enough to rewrite."""
ATTEMPTS = 5


class CompactionWouldChangeRows(PlatformError):
    """The rewritten files don't hold the rows of the old ones. Nothing was committed."""


def fragments(snapshot: Snapshot, target_bytes: int = TARGET_BYTES) -> list[list[ActiveFile]]:
    """Groups of two or more live files of one slice that fit into one file, in the order of paths."""
    groups: list[list[ActiveFile]] = []
    for file in sorted(snapshot.files, key=lambda file: (str(file.slice_value), file.path)):
        last = groups[-1] if groups else []
        fits = sum(each.bytes for each in last) + file.bytes <= target_bytes
        if last and last[0].slice_value == file.slice_value and fits:
            last.append(file)
        else:
            groups.append([file])
    return [group for group in groups if len(group) > 1]


def compact(
    lakehouse: Lakehouse, engine: Engine, table: str, staging_folder: Path, target_bytes: int = TARGET_BYTES
) -> None:
    """Join the small files of a table's slices.

    Whoever publishes at the same time wins: what they replaced is left to them, and the rest is looked at again on
    the newer version. Give it an engine of one thread: every thread writes files of its own. Raises
    CompactionWouldChangeRows.
    """
    for _ in range(ATTEMPTS):
        snapshot = lakehouse.snapshot(table)
        groups = fragments(snapshot, target_bytes)
        if not groups:
            return
        try:
            for batch in _batches(groups):
                _join(lakehouse, engine, snapshot, batch, staging_folder)
            return
        except FilesReplacedMeanwhile:
            continue


def _batches(groups: Sequence[list[ActiveFile]], limit: int = 8 * TARGET_BYTES) -> Iterator[list[list[ActiveFile]]]:
    """Groups that are rewritten in one commit: staging never holds much more than `limit` bytes."""
    batch: list[list[ActiveFile]] = []
    for group in groups:
        if batch and sum(file.bytes for file in chain(*batch, group)) > limit:
            yield batch
            batch = []
        batch.append(group)
    yield batch


def _join(
    lakehouse: Lakehouse, engine: Engine, snapshot: Snapshot, groups: Sequence[list[ActiveFile]], staging_folder: Path
) -> None:
    batch_id = uuid.uuid4().hex
    folder = staging_folder / f"{snapshot.table}-{batch_id}"
    try:
        staged = [
            file
            for number, group in enumerate(groups)
            for file in _rewritten(lakehouse, engine, snapshot, group, folder / str(number))
        ]
        replace_files(
            lakehouse,
            snapshot,
            list(chain(*groups)),
            staged,
            batch_id=batch_id,
            metadata={"reason": "compaction"},
            data_change=False,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _rewritten(
    lakehouse: Lakehouse, engine: Engine, snapshot: Snapshot, group: list[ActiveFile], folder: Path
) -> list[StagedFile]:
    rows = read_files(lakehouse, engine, snapshot, group)
    staged = engine.stage(rows.mutate(outcome=ibis.literal(PUBLISH)), snapshot.slice_column, folder)
    paths = [str(file.path) for file in staged]
    written = engine.read_parquet(snapshot.table, paths, schema_of(snapshot), snapshot.slice_column)
    if engine.digest(written.select(rows.columns)) != engine.digest(rows):
        raise CompactionWouldChangeRows(
            f"{len(group)} files and what was written of them differ",
            where=f"table {snapshot.table}, partition {group[0].slice_value}",
            todo="nothing was changed; read the partition and report what is special about it",
        )
    return staged
