"""Where tables lie and what they hold: one rule from table name to place, and pinned snapshots.

Writing stays in `publish` and `commit`. Everything here works alike on a local folder and on s3:// addresses.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from platform_assets.domain.contracts.contract import QUARANTINE_SUFFIX
from platform_assets.domain.errors import PlatformError
from resources.object_store import StoreUnavailable, delta_options, is_remote, naming_the_store, open_place, told

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

SLICING_NOTE = "platform.slicing"
"""Metadata of a derived slice column in the table's schema: what its values are made of."""

SLICES_NOTE = "slices"
"""Entry of a Delta commit that says, per partition value, [rows, quarantined, dropped, content digest]."""
ADDED_AT = "platform.addedAt"
"""Metadata of a column that a table got after it was made: the Delta version that added it."""

EVENT_DAYS_NOTE = "event_days"
"""Entry of a Delta commit that says, per partition value and event day, [rows, digest, digest of its last minutes]."""
NOTES_OF_PARTITIONS = (SLICES_NOTE, EVENT_DAYS_NOTE)
"""Entries that tell what partitions hold; only commits that publish rows have them."""
MIGRATED_NOTE = "migrated_from"
"""Entry of a Delta commit that rewrote the table for a newer contract: {"contract_version", "delta_version"} of before.

Its other notes tell of every partition, so nothing that was noted before it holds any more."""
INPUT_VERSIONS_NOTE = "input_versions"
"""Entry of a Delta commit that says which version of each input table its rows were computed from."""


class TableNotPublished(PlatformError):
    """A table is read that nothing has been published to."""


class SnapshotExpired(PlatformError):
    """A version is read whose files were removed: it is past its retention, or a person was erased from it."""


class SliceNote(NamedTuple):
    """What a publication says of one partition value: counts of rows, and the digest of the published ones."""

    rows: int
    quarantined: int
    dropped: int
    digest: str


@dataclass(frozen=True)
class ActiveFile:
    """One data file of a snapshot. `path` is relative to the table and not URL-encoded, as delta-rs takes it."""

    path: str
    slice_value: str | None
    rows: int
    bytes: int


@dataclass(frozen=True)
class Snapshot:
    """A table at one version: what is read through it never changes. `asked_for`: not as the latest, by number."""

    table: str
    delta: "DeltaTable"
    asked_for: bool = False

    @property
    def version(self) -> int:
        """The Delta version."""
        return self.delta.version()

    @cached_property
    def slice_column(self) -> str | None:
        """The column that cuts the table into partitions, None where it is one piece."""
        columns = self.delta.metadata().partition_columns
        return columns[0] if columns else None

    @cached_property
    def later_columns(self) -> tuple[str, ...]:
        """Columns that were added after the table was made: its older files may lack them."""
        return tuple(field.name for field in self.delta.schema().fields if ADDED_AT in field.metadata)

    @cached_property
    def slicing_note(self) -> str:
        """What the values of a derived slice column are made of (see `slicing`); empty for any other."""
        notes = {column.name: column.metadata.get(SLICING_NOTE, "") for column in self.delta.schema().fields}
        return str(notes.get(self.slice_column or "", ""))

    @cached_property
    def files(self) -> list[ActiveFile]:
        """The data files, in the order of their paths."""
        return self._active_files(self._actions)

    def files_of(self, slice_values: Collection[str] | None) -> list[ActiveFile]:
        """The data files of some partition values (None: all of them), in the order of their paths."""
        if slice_values is None:
            return self.files
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = pa.array(list(slice_values), pa.string())
        return self._active_files(self._actions.filter(pc.is_in(self._actions["slice_value"], wanted)))

    @cached_property
    def _actions(self) -> "pa.Table":
        """What the log says of each data file. (Tables of a thousand partitions are opened for one of them.)"""
        import pyarrow as pa

        actions = pa.table(self.delta.get_add_actions(flatten=True))
        values = actions[f"partition.{self.slice_column}"] if self.slice_column else pa.nulls(len(actions))
        named = {"path": "path", "rows": "num_records", "bytes": "size_bytes"}
        columns = {name: actions[there] for name, there in named.items()}
        return pa.table({**columns, "slice_value": values.cast(pa.string())})

    @staticmethod
    def _active_files(actions: "pa.Table") -> list[ActiveFile]:
        columns = [actions[name].to_pylist() for name in ("path", "slice_value", "rows", "bytes")]
        files = [ActiveFile(unquote(path), *rest) for path, *rest in zip(*columns, strict=True)]
        return sorted(files, key=lambda file: file.path)

    def rows_by_slice(self) -> dict[str | None, int]:
        """Rows of every partition value that holds any."""
        rows: dict[str | None, int] = {}
        for file in self.files:
            rows[file.slice_value] = rows.get(file.slice_value, 0) + file.rows
        return rows


@dataclass(frozen=True)
class Lakehouse:
    """All Delta tables below one root, a folder or an s3:// address; a table lies at `<root>/<its name>`.

    `storage_options` are those of delta-rs; on S3 they are completed from the AWS environment variables and the
    platform's own patience (`resources.object_store`).
    """

    root: str
    storage_options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Complete the options once, so that every client of the store gets the same."""
        object.__setattr__(self, "storage_options", delta_options(self.root, self.storage_options))

    @property
    def is_local(self) -> bool:
        """Whether the tables lie in a local folder."""
        return not is_remote(self.root)

    def uri(self, table: str) -> str:
        """Where a table lies."""
        return f"{self.root}/{table}"

    def exists(self, table: str) -> bool:
        """Whether anything was ever published to a table."""
        from deltalake import DeltaTable

        with naming_the_store(self.uri(table)):
            return DeltaTable.is_deltatable(self.uri(table), storage_options=dict(self.storage_options))

    def snapshot(self, table: str, version: int | None = None) -> Snapshot:
        """A table at a version, at its latest where None.

        Raises TableNotPublished where there is none.
        """
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError, TableNotFoundError

        try:
            delta = DeltaTable(self.uri(table), version=version, storage_options=dict(self.storage_options))
        except TableNotFoundError:
            raise TableNotPublished(
                "nothing has been published to this table yet",
                where=self.uri(table),
                todo=f"materialise {table.removesuffix(QUARANTINE_SUFFIX)} first; `--select '*<asset>'` takes all that "
                "an asset is made from along",
            ) from None
        except (DeltaError, OSError) as error:
            asked = version if isinstance(error, DeltaError) else None
            if asked is not None and (self.is_local or self.snapshot(table).version < asked):
                raise TableNotPublished(
                    f"there is no version {version} of this table", where=self.uri(table), todo="ask for an earlier one"
                ) from error
            if self.is_local:
                raise
            raise StoreUnavailable(
                f"the table can't be opened: {told(error)}",
                where=self.uri(table),
                todo="see whether the store answers and the AWS variables are right, then run again",
            ) from error
        return Snapshot(table, delta, asked_for=version is not None)

    def newest(self, snapshot: Snapshot) -> Snapshot:
        """A table as it is now. It takes over the snapshot's handle, so that one must not be used any more."""
        from deltalake.exceptions import DeltaError

        try:
            snapshot.delta.update_incremental()
        except (DeltaError, OSError):
            return self.snapshot(snapshot.table)
        return Snapshot(snapshot.table, snapshot.delta)

    def latest(self, table: str) -> Snapshot | None:
        """A table at its latest version, None where nothing has been published."""
        try:
            return self.snapshot(table)
        except TableNotPublished:
            return None

    def version_at(self, table: str, instant: datetime) -> int:
        """The version that was the latest at an instant, by the times that the commits themselves name.

        (Times of the log's files would change with a copy of the lake.) Raises TableNotPublished where there was none.
        """
        commits = [(entry["version"], entry["timestamp"]) for entry in self.snapshot(table).delta.history()]
        known = [version for version, millis in commits if millis <= instant.timestamp() * 1000]
        if not known:
            first = datetime.fromtimestamp(min(millis for _, millis in commits) / 1000, UTC)
            raise TableNotPublished(
                f"the table did not exist at {instant.isoformat()}",
                where=self.uri(table),
                todo=f"ask for {first.isoformat()} or later",
            )
        return max(known)

    def table_names(self) -> list[str]:
        """Names of all published tables, sorted."""
        if self.is_local:
            root = Path(self.root)
            names = [path.parent.name for path in root.glob("[!_]*/_delta_log")]
        else:
            from pyarrow.fs import FileSelector

            filesystem, root_path = self.filesystem()
            with naming_the_store(self.root):
                infos = filesystem.get_file_info(FileSelector(root_path, allow_not_found=True))
            names = [info.base_name for info in infos if info.base_name[0] != "_" and self.exists(info.base_name)]
        return sorted(names)

    def slice_notes(self, table: str) -> dict[str, SliceNote]:
        """What the last publication of every partition value said of it; empty where nothing is published."""
        notes: dict[str, SliceNote] = {}
        if self.exists(table):
            for entry in self.snapshot(table).delta.history():
                for value, note in json.loads(entry.get(SLICES_NOTE, "{}")).items():
                    notes.setdefault(value, SliceNote(*note))
                if MIGRATED_NOTE in entry:
                    break
        return notes

    def filesystem(self) -> tuple[Any, str]:
        """A pyarrow file system and the root's path in it."""
        return open_place(self.root, self.storage_options)

    def local_paths(self, table: str, files: Sequence[ActiveFile]) -> list[str]:
        """Absolute paths of data files of a local table."""
        return [f"{self.uri(table)}/{file.path}" for file in files]

    def refuse_expired(self, snapshot: Snapshot, files: Sequence[ActiveFile]) -> None:
        """Raise SnapshotExpired if one of a snapshot's files is gone. On S3 only versions asked for are looked at."""
        if self.is_local:
            gone = [path for path in self.local_paths(snapshot.table, files) if not Path(path).exists()]
        elif snapshot.asked_for and files:
            from pyarrow.fs import FileType

            filesystem, root = self.filesystem()
            infos = filesystem.get_file_info([f"{root}/{snapshot.table}/{file.path}" for file in files])
            gone = [info.path for info in infos if info.type == FileType.NotFound]
        else:
            return
        if gone:
            raise SnapshotExpired(
                f"{len(gone)} of the {len(files)} files that it needs were removed",
                where=f"{self.uri(snapshot.table)}, version {snapshot.version}",
                todo="read a later version: files are kept for PLATFORM_RETENTION_DAYS, and erasing a person removes "
                "those that hold the person",
            )
