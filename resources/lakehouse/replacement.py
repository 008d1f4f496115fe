"""A publication's commit: staged files take the place of what a table's partitions held.

How a commit is made is said in `commit`, what is allowed to be published in `publish`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.errors import PlatformError
from resources.compute.engine import StagedFile
from resources.lakehouse.commit import CommitUnknown, NewTable, commit_files
from resources.lakehouse.data_files import discard, put_beside_table
from resources.lakehouse.schema_evolution import refuse_other_contract, widened, with_note
from resources.lakehouse.tables import NOTES_OF_PARTITIONS, ActiveFile, Lakehouse, Snapshot
from resources.object_store import StoreUnavailable

if TYPE_CHECKING:
    import pyarrow as pa


def replace_slices(
    lakehouse: Lakehouse,
    contract: Contract,
    slice_column: str | None,
    arrow_schema: "pa.Schema",
    files: Sequence[StagedFile],
    slices: Collection[str] | None,
    batch_id: str,
    metadata: Mapping[str, str],
    *,
    snapshot: Snapshot | None = None,
    refuse: Callable[[Snapshot], None] = lambda snapshot: None,
    before_commit: Callable[[], object] = lambda: None,
) -> Snapshot:
    """Replace the given partition values (None: the whole table) by the staged files, in one commit.

    The replaced files are always those that were live one version before the commit; `refuse` may raise a PlatformError
    after it looked at that version. Columns that only the contract has are added to the table before.
    `before_commit` is called when the files lie durably beside the table. `snapshot` saves opening the table.
    """

    def replaced(snapshot: Snapshot) -> list[ActiveFile]:
        refuse_other_contract(snapshot, contract, slice_column, arrow_schema)
        refuse(snapshot)
        return snapshot.files_of(slices)

    snapshot = snapshot or lakehouse.latest(contract.name)
    if snapshot:
        refuse(snapshot)
        provenance = {name: text for name, text in metadata.items() if name not in NOTES_OF_PARTITIONS}
        snapshot = widened(lakehouse, snapshot, contract, slice_column, arrow_schema, provenance)
    added = put_beside_table(lakehouse, contract.name, files, slice_column, batch_id)
    try:
        before_commit()
    except Exception:
        discard(lakehouse, contract.name, added)
        raise
    try:
        return commit_files(
            lakehouse,
            contract.name,
            added=added,
            removed=replaced,
            batch_id=batch_id,
            metadata=metadata,
            snapshot=snapshot,
            new_table=NewTable(with_note(arrow_schema, contract), slice_column, contract.description),
        )
    except (CommitUnknown, StoreUnavailable):
        raise
    except PlatformError:
        discard(lakehouse, contract.name, added)
        raise
