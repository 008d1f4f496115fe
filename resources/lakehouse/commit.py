"""Every commit to a Delta table: files in, files out, all of it or nothing, once.

delta-rs writes the log; the data files were written by the engine and lie beside the table already (`data_files`),
where no reader sees them before the commit. Which files a publication replaces is said in `replacement`.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from platform_assets.domain.errors import PlatformError
from resources.lakehouse.disk import sync
from resources.lakehouse.tables import ActiveFile, Lakehouse, Snapshot, TableNotPublished
from resources.object_store import told

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import CommitProperties
    from deltalake.transaction import AddAction

COMMIT_ATTEMPTS = 200
AMBIGUOUS_SECONDS = 60.0
"""How long a remote store that doesn't say whether it took a commit is asked again."""
TABLE_PROPERTIES = {
    # Statistics would copy values of personal columns into the log, where erasing a row doesn't reach them.
    "delta.dataSkippingNumIndexedCols": "0",
    "delta.enableChangeDataFeed": "true",
    # The history carries notes that are read back: batches, input versions, digests of partitions.
    "delta.logRetentionDuration": "interval 3650 days",
}


class CommitLost(PlatformError):
    """Other writers won every attempt to commit. Nothing was published."""


class CommitRefused(PlatformError):
    """The store answered a commit with an error, and the table doesn't hold it. Nothing was published."""


class CommitUnknown(PlatformError):
    """The store doesn't say whether it took a commit."""


@dataclass(frozen=True)
class NewTable:
    """What a table is made with by its first commit."""

    schema: "pa.Schema"
    slice_column: str | None
    description: str


@dataclass(frozen=True)
class Recut:
    """All rows of a table under another schema and another slice column (None: one piece).

    Only a writer that makes the data files itself can change what a table is cut by in one commit, so delta-rs does.
    """

    schema: "pa.Schema"
    slice_column: str | None
    rows: "Callable[[], pa.RecordBatchReader]"


class TableChangedMeanwhile(PlatformError):
    """Somebody committed to a table that was read to be rewritten. Nothing was changed."""


def all_files_of(read: Snapshot) -> "Callable[[Snapshot], Sequence[ActiveFile]]":
    """For `removed` of `commit_files`: every file, or TableChangedMeanwhile if something was committed since."""
    version = read.version

    def unchanged(newer: Snapshot) -> Sequence[ActiveFile]:
        if newer.version != version:
            raise TableChangedMeanwhile(
                f"somebody committed version {newer.version} while version {version} was rewritten",
                where=f"table {newer.table}",
                todo="run this again",
            )
        return newer.files

    return unchanged


def commit_files(
    lakehouse: Lakehouse,
    table: str,
    *,
    added: Sequence[ActiveFile],
    removed: Callable[[Snapshot], Sequence[ActiveFile]],
    batch_id: str,
    metadata: Mapping[str, str],
    data_change: bool = True,
    snapshot: Snapshot | None = None,
    new_table: NewTable | None = None,
    new_schema: "pa.Schema | None" = None,
    recut: Recut | None = None,
) -> Snapshot:
    """Commit files to a table at once, exactly once, and return the version that holds them.

    `removed` names the files that go, given the snapshot that is committed against; it is asked again for every attempt
    and may raise a PlatformError to refuse. `data_change=False` keeps the commit out of the change feed (the rows stay
    what they were). `new_schema` replaces the table's schema, and with it all its files; `recut` what it is cut by as
    well, and takes the place of `added`. `snapshot` saves opening the table; `new_table` is made where there is none,
    by this very commit.

    The log accepts a version once only. After any error the history is read for `batch_id`: a commit whose reply was
    lost is found, another writer's commit makes this one start over on the newer snapshot. Raises CommitUnknown where
    the store stays silent; after any other PlatformError (CommitLost, CommitRefused, a refusal of `removed`,
    TableNotPublished) it is certain that nothing was committed.
    """
    from deltalake import CommitProperties
    from deltalake.exceptions import CommitFailedError, DeltaError

    properties = CommitProperties(custom_metadata={**metadata, "batch_id": batch_id}, max_commit_retries=0)
    snapshot = snapshot or _latest(lakehouse, table, new_table)
    since, silence = _version(snapshot), _Silence(lakehouse, table, batch_id)
    for attempt in range(COMMIT_ATTEMPTS):
        try:
            if snapshot:
                return _durable(
                    lakehouse, _commit(snapshot, added, removed(snapshot), data_change, new_schema, properties, recut)
                )
            return _durable(lakehouse, _create(lakehouse, table, new_table, added, properties))
        except (DeltaError, OSError) as error:
            failure = error
        time.sleep(min(0.005 * 2**attempt, 0.5))
        try:
            latest = _latest(lakehouse, table, new_table)
            committed = committed_version(lakehouse, latest, batch_id, since) if latest else None
            if latest and committed is not None:
                return _durable(lakehouse, _at(latest, committed))
        except (DeltaError, OSError) as error:
            silence.goes_on(error)
            continue
        if isinstance(failure, CommitFailedError) or _version(latest) > _version(snapshot):
            silence.ends()
        elif lakehouse.is_local:
            raise _refused(lakehouse, table, failure) from failure
        else:
            silence.goes_on(failure)
        snapshot = latest
    silence.must_not_last()
    raise CommitLost(
        f"{COMMIT_ATTEMPTS} attempts to commit were lost to other writers",
        where=lakehouse.uri(table),
        todo="let one writer at a time publish to a table (Dagster pools do) and run this again",
    )


@dataclass
class _Silence:
    """How long a store has not said whether it took a commit. A local disk always says."""

    lakehouse: Lakehouse
    table: str
    batch_id: str
    began: float | None = None
    heard: Exception | None = None

    def goes_on(self, error: Exception) -> None:
        """Raise CommitUnknown when it has lasted too long."""
        now = time.monotonic()
        self.began, self.heard = now if self.began is None else self.began, error
        if self.lakehouse.is_local or now - self.began >= AMBIGUOUS_SECONDS:
            self.must_not_last()

    def ends(self) -> None:
        """The store has answered."""
        self.began, self.heard = None, None

    def must_not_last(self) -> None:
        """Raise CommitUnknown if the last attempt was not answered: its commit may still be on its way."""
        if self.heard is not None:
            raise CommitUnknown(
                f"whether the batch {self.batch_id} was committed is not known: {told(self.heard)}",
                where=self.lakehouse.uri(self.table),
                todo="run this again when the store answers; a publication replaces, so it is safe in either case",
            ) from self.heard


def _refused(lakehouse: Lakehouse, table: str, error: Exception) -> CommitRefused:
    return CommitRefused(
        f"nothing was committed, the store said: {told(error)}",
        where=lakehouse.uri(table),
        todo="see what it says, mend that (space, rights, the disk) and run this again",
    )


def _version(snapshot: Snapshot | None) -> int:
    return snapshot.version if snapshot else -1


def _at(snapshot: Snapshot, version: int) -> Snapshot:
    snapshot.delta.load_as_version(version)
    return Snapshot(snapshot.table, snapshot.delta)


def _durable(lakehouse: Lakehouse, snapshot: Snapshot) -> Snapshot:
    """delta-rs leaves the log's entry to the system's cache; nothing is acknowledged before it survives a power cut."""
    if lakehouse.is_local:
        log = Path(lakehouse.uri(snapshot.table)) / "_delta_log"
        entry = log / f"{snapshot.version:020}.json"
        sync([entry, *list(entry.parents)[: 1 if snapshot.version else 4]])
    return snapshot


def _latest(lakehouse: Lakehouse, table: str, new_table: NewTable | None) -> Snapshot | None:
    try:
        return lakehouse.snapshot(table)
    except TableNotPublished:
        if new_table is None:
            raise
        return None


def _commit(
    snapshot: Snapshot,
    added: Sequence[ActiveFile],
    removed: Sequence[ActiveFile],
    data_change: bool,
    new_schema: "pa.Schema | None",
    properties: "CommitProperties",
    recut: Recut | None,
) -> Snapshot:
    from deltalake.transaction import AddAction, RemoveAction

    column, read_version = snapshot.slice_column, snapshot.version
    if recut is not None:
        _write(snapshot, recut, properties)
        return _at(snapshot, read_version + 1)
    actions: list[AddAction | RemoveAction] = [*_add_actions(added, column, data_change)]
    if new_schema is None:  # a new schema is committed as an overwrite, which removes all files by itself
        actions += [
            RemoveAction(
                path=file.path,
                deletion_timestamp=_now(),
                data_change=data_change,
                partition_values={column: file.slice_value} if column else {},
                size=file.bytes,
            )
            for file in removed
        ]
    snapshot.delta.create_write_transaction(
        actions=actions,
        mode="append" if new_schema is None else "overwrite",
        schema=snapshot.delta.schema() if new_schema is None else new_schema,
        partition_by=[column] if column else None,
        commit_properties=properties,
    )
    # Without retries the commit can only be the next version; the handle itself stays at the one it was opened at.
    return _at(snapshot, read_version + 1)


def _write(snapshot: Snapshot, recut: Recut, properties: "CommitProperties") -> None:
    from deltalake import write_deltalake

    write_deltalake(
        snapshot.delta,
        recut.rows(),
        mode="overwrite",
        schema_mode="overwrite",
        partition_by=[recut.slice_column] if recut.slice_column else [],
        commit_properties=properties,
    )


def _create(
    lakehouse: Lakehouse,
    table: str,
    new_table: NewTable | None,
    added: Sequence[ActiveFile],
    properties: "CommitProperties",
) -> Snapshot:
    """The table's first version, which holds the first files already: no reader meets a table without rows."""
    from deltalake import Schema
    from deltalake.transaction import create_table_with_add_actions

    assert new_table is not None
    column = new_table.slice_column
    create_table_with_add_actions(
        lakehouse.uri(table),
        Schema.from_arrow(new_table.schema),
        _add_actions(added, column, data_change=True),
        mode="error",
        partition_by=[column] if column else None,
        description=new_table.description,
        configuration=TABLE_PROPERTIES,
        storage_options=dict(lakehouse.storage_options),
        commit_properties=properties,
    )
    return lakehouse.snapshot(table, 0)


def _add_actions(files: Sequence[ActiveFile], slice_column: str | None, data_change: bool) -> "list[AddAction]":
    from deltalake.transaction import AddAction

    return [
        AddAction(
            path=file.path,
            size=file.bytes,
            partition_values={slice_column: file.slice_value} if slice_column else {},
            modification_time=_now(),
            data_change=data_change,
            stats=json.dumps({"numRecords": file.rows}),
        )
        for file in files
    ]


def _now() -> int:
    return int(time.time() * 1000)


def committed_version(lakehouse: Lakehouse, snapshot: Snapshot, batch_id: str, since: int = -1) -> int | None:
    """The version after `since` at which a batch was committed, None if it was not.

    After an error this is the only safe answer. The log's entries are read themselves: delta-rs numbers its history by
    counting, and an entry that a power cut left empty would shift the numbers.
    """
    filesystem, root = lakehouse.filesystem()
    for version in range(since + 1, snapshot.version + 1):
        with filesystem.open_input_stream(f"{root}/{snapshot.table}/_delta_log/{version:020}.json") as entry:
            actions = map(json.loads, filter(None, entry.read().splitlines()))
        if any(action.get("commitInfo", {}).get("batch_id") == batch_id for action in actions):
            return version
    return None
