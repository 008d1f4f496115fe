"""Data files take the place of others of the same table: what compaction and erasure have in common.

Why files are rewritten, and what they hold, is the business of the callers.
"""

from collections.abc import Mapping, Sequence

from platform_assets.domain.errors import PlatformError
from resources.compute.engine import StagedFile
from resources.lakehouse.commit import CommitUnknown, commit_files
from resources.lakehouse.data_files import discard, put_beside_table
from resources.lakehouse.tables import ActiveFile, Lakehouse, Snapshot
from resources.object_store import StoreUnavailable


class FilesReplacedMeanwhile(PlatformError):
    """Files that were rewritten are no longer live: somebody published. Nothing was committed."""


def replace_files(
    lakehouse: Lakehouse,
    snapshot: Snapshot,
    old: Sequence[ActiveFile],
    new: Sequence[StagedFile],
    *,
    batch_id: str,
    metadata: Mapping[str, str],
    data_change: bool,
) -> None:
    """Commit staged files in the place of live ones, on the newest version that still has all of those.

    Raises FilesReplacedMeanwhile where it hasn't, and what a commit raises.
    """
    added = put_beside_table(lakehouse, snapshot.table, new, snapshot.slice_column, batch_id)
    try:
        commit_files(
            lakehouse,
            snapshot.table,
            added=added,
            removed=lambda newest: _still_live(newest, old),
            batch_id=batch_id,
            metadata=metadata,
            data_change=data_change,
        )
    except (CommitUnknown, StoreUnavailable):
        raise
    except PlatformError:
        discard(lakehouse, snapshot.table, added)
        raise


def _still_live(snapshot: Snapshot, files: Sequence[ActiveFile]) -> Sequence[ActiveFile]:
    live = {file.path for file in snapshot.files}
    replaced = [file.path for file in files if file.path not in live]
    if replaced:
        raise FilesReplacedMeanwhile(
            f"{len(replaced)} file(s) were replaced meanwhile, for example {replaced[0]}",
            where=f"table {snapshot.table}, version {snapshot.version}",
            todo="run this again when fewer publications run",
        )
    return files
