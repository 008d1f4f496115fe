"""One Delta commit that replaces partitions of a table by staged files: all of it, or nothing.

delta-rs writes the log; the data files were written by the engine and are put beside the table first, where no
reader sees them before the commit. What is allowed to be published is decided in `publish`.
"""

import json
import shutil
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.errors import ContractViolation, PlatformError
from resources.compute.engine import StagedFile
from resources.lakehouse.tables import ActiveFile, Lakehouse, Snapshot, TableNotPublished

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import CommitProperties

COMMIT_ATTEMPTS = 200
TABLE_PROPERTIES = {
    # Statistics would copy values of personal columns into the log, where erasing a row doesn't reach them.
    "delta.dataSkippingNumIndexedCols": "0",
}


class CommitLost(PlatformError):
    """Other writers won every attempt to commit. Nothing was published."""


def replace_slices(
    lakehouse: Lakehouse,
    contract: Contract,
    slice_column: str | None,
    arrow_schema: "pa.Schema",
    files: Sequence[StagedFile],
    slices: Collection[str] | None,
    batch_id: str,
    metadata: Mapping[str, str],
) -> Snapshot:
    """Replace the given partition values (None: the whole table) by the staged files, in one commit.

    The log accepts a version once only, so an attempt that loses the race is made again on the newer snapshot:
    the replaced files are always those that were live one version before the commit.
    """
    from deltalake import CommitProperties
    from deltalake.exceptions import CommitFailedError, DeltaError

    snapshot = _open_or_create(lakehouse, contract, slice_column, arrow_schema)
    added = _put_beside_table(lakehouse, contract.name, files, slice_column, batch_id)
    properties = CommitProperties(custom_metadata={"batch_id": batch_id, **metadata}, max_commit_retries=0)
    for attempt in range(COMMIT_ATTEMPTS):
        removed = snapshot.files_of(slices)
        try:
            return _commit(snapshot, slice_column, arrow_schema, added, removed, properties)
        except (DeltaError, OSError) as error:
            # The reply may be lost while the commit went through: only the history knows.
            snapshot = lakehouse.snapshot(contract.name)
            version = committed_version(snapshot, batch_id)
            if version is not None:
                return lakehouse.snapshot(contract.name, version)
            if not isinstance(error, CommitFailedError):
                raise
            time.sleep(min(0.005 * 2**attempt, 0.5))
    raise CommitLost(
        f"{COMMIT_ATTEMPTS} attempts to commit were lost to other writers",
        where=lakehouse.uri(contract.name),
        todo="let one writer at a time publish to a table (Dagster pools do) and run this again",
    )


def _commit(
    snapshot: Snapshot,
    slice_column: str | None,
    arrow_schema: "pa.Schema",
    added: Sequence[ActiveFile],
    removed: Sequence[ActiveFile],
    properties: "CommitProperties",
) -> Snapshot:
    from deltalake.transaction import AddAction, RemoveAction

    now = int(time.time() * 1000)
    actions: list[AddAction | RemoveAction] = [
        AddAction(
            path=file.path,
            size=file.bytes,
            partition_values={slice_column: file.slice_value} if slice_column else {},
            modification_time=now,
            data_change=True,
            stats=json.dumps({"numRecords": file.rows}),
        )
        for file in added
    ]
    actions += [
        RemoveAction(
            path=file.path,
            deletion_timestamp=now,
            data_change=True,
            partition_values={slice_column: file.slice_value} if slice_column else {},
            size=file.bytes,
        )
        for file in removed
    ]
    read_version = snapshot.version
    snapshot.delta.create_write_transaction(
        actions=actions,
        mode="append",
        schema=arrow_schema,
        partition_by=[slice_column] if slice_column else None,
        commit_properties=properties,
    )
    # Without retries the commit can only be the next version; the handle itself stays at the one it was opened at.
    snapshot.delta.load_as_version(read_version + 1)
    return Snapshot(snapshot.table, snapshot.delta)


def committed_version(snapshot: Snapshot, batch_id: str, look_back: int = 1000) -> int | None:
    """The version at which a batch was committed, None if it was not: the only safe answer after a lost reply."""
    for entry in snapshot.delta.history(look_back):
        if entry.get("batch_id") == batch_id:
            return int(entry["version"])
    return None


def _open_or_create(
    lakehouse: Lakehouse, contract: Contract, slice_column: str | None, arrow_schema: "pa.Schema"
) -> Snapshot:
    from deltalake import DeltaTable, Schema

    try:
        snapshot = lakehouse.snapshot(contract.name)
    except TableNotPublished:
        DeltaTable.create(
            lakehouse.uri(contract.name),
            Schema.from_arrow(arrow_schema),
            mode="ignore",
            partition_by=[slice_column] if slice_column else None,
            configuration=TABLE_PROPERTIES,
            description=contract.description,
            storage_options=dict(lakehouse.storage_options),
        )
        return lakehouse.snapshot(contract.name)
    _refuse_other_shape(snapshot, contract, slice_column, arrow_schema)
    return snapshot


def _refuse_other_shape(
    snapshot: Snapshot, contract: Contract, slice_column: str | None, arrow_schema: "pa.Schema"
) -> None:
    import pyarrow as pa

    published = pa.schema(snapshot.delta.schema().to_arrow())
    there = {field.name: str(field.type) for field in published}
    here = {field.name: str(field.type) for field in arrow_schema}
    if there == here and snapshot.slice_column == slice_column:
        return
    differ = sorted({f"{name} {kind}" for name, kind in set(there.items()) ^ set(here.items())})
    raise ContractViolation(
        f"the contract and the published table differ in {differ or 'their partition column'}",
        where=f"table {contract.name}, version {snapshot.version}",
        todo="restore the contract, or move the table's folder away and materialise all its partitions again",
    )


def _put_beside_table(
    lakehouse: Lakehouse, table: str, files: Sequence[StagedFile], slice_column: str | None, batch_id: str
) -> list[ActiveFile]:
    added = []
    filesystem, root = (None, lakehouse.root) if lakehouse.is_local else lakehouse.filesystem()
    for number, file in enumerate(files):
        folder = f"{slice_column}={quote(file.slice_value, safe='')}/" if slice_column and file.slice_value else ""
        path = f"{folder}part-{number:05d}-{batch_id}.parquet"
        if filesystem is None:
            target = Path(root) / table / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file.path, target)
        else:
            _upload(filesystem, file.path, f"{root}/{table}/{path}")
        added.append(ActiveFile(path, file.slice_value, file.rows, file.bytes))
    return added


def _upload(filesystem: object, source: Path, target: str) -> None:
    from pyarrow.fs import LocalFileSystem, copy_files

    copy_files(str(source), target, source_filesystem=LocalFileSystem(), destination_filesystem=filesystem)
