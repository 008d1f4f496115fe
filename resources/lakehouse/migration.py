"""Brings a published table to the newest version of its contract: one commit changes schema, rows and notes together.

Migrated rows are judged like the result of a step. Whether a table needs it is said in `schema_evolution`; what becomes
of the rows of one version in the next, in the contract.
"""

import json
import shutil
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import ibis

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.errors import ContractViolation, PlatformError
from resources.compute.engine import Engine, StagedFile
from resources.lakehouse.audit import AuditedResult, audited
from resources.lakehouse.commit import CommitUnknown, Recut, TableChangedMeanwhile, all_files_of, commit_files
from resources.lakehouse.data_files import discard, put_beside_table
from resources.lakehouse.disk import full_disk_is_named, sync
from resources.lakehouse.io_manager import read, schema_of
from resources.lakehouse.migrated_quarantine import at_rest, move_quarantine
from resources.lakehouse.schema_evolution import missing_columns, published_contract, with_note
from resources.lakehouse.slicing import DERIVED_COLUMN, Slicing
from resources.lakehouse.tables import MIGRATED_NOTE, SLICES_NOTE, Lakehouse, SliceNote, Snapshot
from resources.object_store import StoreUnavailable

if TYPE_CHECKING:
    import pyarrow as pa

ATTEMPTS = 5


class MigrationChangesRowCount(ContractViolation):
    """A migration gives more or fewer rows than it got. Nothing was changed."""


@dataclass(frozen=True)
class MigratedTable:
    """What became of a table. `delta_version` is None after a dry run."""

    table: str
    from_version: int
    to_version: int
    rows: int
    quarantined: int
    dropped: int
    partitions: int
    delta_version: int | None


def migrate(
    contract: Contract,
    slicing: Slicing,
    *,
    engine: Engine,
    lakehouse: Lakehouse,
    staging_folder: Path,
    dry_run: bool = False,
    tell: Callable[[str], None] = lambda sentence: None,
) -> MigratedTable | None:
    """Bring a table to the version of its contract; None where there is nothing to do.

    Everything is computed and judged before the first commit; a crash leaves the table as it was. Rows that break a
    rule of the new version go to the quarantine. Nullable columns that the migrations don't give are empty. Who
    publishes meanwhile wins, and the migration begins again.
    `dry_run` computes and judges, and changes nothing.

    Raises OlderContract where the table is ahead of this code, ContractViolation where a table rule is broken or the
    number of rows would change.
    """
    for _ in range(ATTEMPTS):
        snapshot = lakehouse.latest(contract.name)
        if snapshot is None or published_contract(snapshot).version == contract.version:
            return None
        if published_contract(snapshot).version > contract.version:
            missing_columns(snapshot, contract, slicing.column, snapshot.delta.schema().to_arrow())
        batch_id = f"migration-{contract.version}-{uuid.uuid4().hex}"
        folder = staging_folder / f"{contract.name}-{batch_id}"
        try:
            with full_disk_is_named(*([Path(lakehouse.root)] if lakehouse.is_local else []), staging_folder):
                migration = _Migration(contract, slicing, engine, lakehouse, snapshot, folder, batch_id, tell)
                return migration.run(dry_run)
        except TableChangedMeanwhile:
            tell(f"{contract.name}: somebody published meanwhile; beginning again")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    raise TableChangedMeanwhile(
        f"{ATTEMPTS} attempts were overtaken by publications",
        where=lakehouse.uri(contract.name),
        todo="stop what publishes to it and run `platform migrate` again",
    )


@dataclass(frozen=True)
class _Migration:
    """One attempt, from one snapshot."""

    contract: Contract
    slicing: Slicing
    engine: Engine
    lakehouse: Lakehouse
    snapshot: Snapshot
    folder: Path
    batch_id: str
    tell: Callable[[str], None]

    def run(self, dry_run: bool) -> MigratedTable:
        name, version = self.contract.name, published_contract(self.snapshot).version
        before = sum(file.rows for file in self.snapshot.files)
        self.tell(f"{name}: {before:,} rows of version {version} become rows of version {self.contract.version}")
        result = audited(
            self._migrated_rows(version), self.contract, self.slicing, None, engine=self.engine, folder=self.folder
        )
        self._refuse_other_count(before, result)
        committed = None
        if not dry_run:
            self.tell(f"{name}: judged; committing")
            move_quarantine(
                self.contract,
                self.slicing,
                result,
                self.engine,
                self.lakehouse,
                self.folder,
                self.batch_id,
                cut_anew=self._cut_anew,
            )
            committed = self._commit(result, version)
            self.tell(f"{name}: version {self.contract.version} since Delta version {committed.version}")
        return MigratedTable(
            table=name,
            from_version=version,
            to_version=self.contract.version,
            rows=sum(item.rows for item in result.publications),
            quarantined=sum(item.quarantined for item in result.publications),
            dropped=sum(item.dropped for item in result.publications),
            partitions=sum(item.rows > 0 for item in result.publications),
            delta_version=committed.version if committed else None,
        )

    def _migrated_rows(self, version: int) -> ibis.Table:
        rows = read(self.lakehouse, self.engine, self.snapshot, None)
        if self.snapshot.slice_column == DERIVED_COLUMN:
            rows = rows.drop(DERIVED_COLUMN)
        for start in range(version, self.contract.version):
            rows = self.contract.migrations[start](rows)
        absent = [column for column in self.contract.columns if column.nullable and column.name not in rows.columns]
        if absent:
            self.tell(f"{self.contract.name}: {', '.join(column.name for column in absent)} begin(s) empty")
        return rows.mutate(**{column.name: ibis.null(column.dtype) for column in absent})

    def _refuse_other_count(self, before: int, result: AuditedResult) -> None:
        after = sum(item.rows + item.quarantined + item.dropped for item in result.publications)
        if before != after:
            raise MigrationChangesRowCount(
                f"{before:,} rows would become {after:,}",
                where=f"table {self.contract.name}, Delta version {self.snapshot.version}",
                todo="let the migration keep every row; one that has no place any more gets a reject_reason",
            )

    def _commit(self, result: AuditedResult, version: int) -> Snapshot:
        note = {
            MIGRATED_NOTE: json.dumps({"contract_version": version, "delta_version": self.snapshot.version}),
            **result.notes,
            SLICES_NOTE: json.dumps(self._slices_note(result)),
        }
        schema = with_note(result.schema, self.contract)
        if self.snapshot.slice_column == self.slicing.column:
            return self._replace_files(result.good, schema, note)
        return self._recut(result.good, schema, note)

    def _slices_note(self, result: AuditedResult) -> dict[str, SliceNote]:
        """What every partition holds. Rows rejected before still count, where partitions are what they were."""
        notes = {
            str(item.slice_value): SliceNote(item.rows, item.quarantined, item.dropped, item.digest)
            for item in result.publications
        }
        if not self._cut_anew:
            for value, former in self.lakehouse.slice_notes(self.contract.name).items():
                now = notes.get(value, SliceNote(0, 0, 0, "empty"))
                notes[value] = now._replace(
                    quarantined=now.quarantined + former.quarantined, dropped=now.dropped + former.dropped
                )
        return dict(sorted(notes.items()))

    def _replace_files(self, good: Sequence[StagedFile], schema: "pa.Schema", note: dict[str, str]) -> Snapshot:
        name = self.contract.name
        added = put_beside_table(self.lakehouse, name, good, self.slicing.column, self.batch_id)
        try:
            return commit_files(
                self.lakehouse,
                name,
                added=added,
                removed=all_files_of(self.snapshot),
                batch_id=self.batch_id,
                metadata=note,
                snapshot=self.lakehouse.snapshot(name),
                new_schema=schema,
            )
        except (CommitUnknown, StoreUnavailable):
            raise
        except PlatformError:
            discard(self.lakehouse, name, added)
            raise

    def _recut(self, good: Sequence[StagedFile], schema: "pa.Schema", note: dict[str, str]) -> Snapshot:
        snapshot = commit_files(
            self.lakehouse,
            self.contract.name,
            added=[],
            removed=all_files_of(self.snapshot),
            batch_id=self.batch_id,
            metadata=note,
            snapshot=self.lakehouse.snapshot(self.contract.name),
            recut=Recut(schema, self.slicing.column, lambda: at_rest(self._staged(good, schema), schema)),
        )
        if self.lakehouse.is_local:
            files = [Path(path) for path in self.lakehouse.local_paths(self.contract.name, snapshot.files)]
            sync([*files, *{file.parent for file in files}])
        return snapshot

    def _staged(self, good: Sequence[StagedFile], schema: "pa.Schema") -> ibis.Table:
        if not good:
            columns = ibis.Schema.from_pyarrow(schema)
            return self.engine.read_parquet(self.contract.name, [], columns, self.slicing.column)
        return self.engine.read_staged(self.contract.name, good, self.slicing.column)

    @property
    def _cut_anew(self) -> bool:
        """Whether partition values mean something else than before."""
        former, column = self.snapshot, self.slicing.column
        if former.slice_column != column or former.slicing_note != self.slicing.note:
            return True
        return column in self.contract.column_names and schema_of(former)[column] != self.contract.schema()[column]
