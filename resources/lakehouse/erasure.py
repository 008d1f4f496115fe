"""Removes a person from the tables: their rows from live files, and every other file that holds them.

Nobody else's row changes. A commit says which erasure it was, and nothing of the person. Finding them stands in
`person_search`; `trace_scan` proves afterwards that nothing is left.
"""

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import ibis

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.errors import PlatformError
from platform_assets.domain.events import SESSION_GAP
from resources.compute.engine import PUBLISH, SliceAudit, StagedFile
from resources.lakehouse.commit import commit_files
from resources.lakehouse.compaction import TARGET_BYTES
from resources.lakehouse.io_manager import read
from resources.lakehouse.person_search import HeldFile, PersonSearch
from resources.lakehouse.rewriting import FilesReplacedMeanwhile, replace_files
from resources.lakehouse.table_folder import TableFolder
from resources.lakehouse.tables import EVENT_DAYS_NOTE, QUARANTINE_SUFFIX, SLICES_NOTE, ActiveFile, SliceNote, Snapshot

ATTEMPTS = 5
BATCH_BYTES = 8 * TARGET_BYTES
"""Partitions that are written anew in one commit; staging never holds much more."""

RowsBySlice = dict[str | None, int]


class ErasureOvertaken(PlatformError):
    """Publications replaced a table's files again and again while a person was to be erased from it."""


@dataclass
class ErasedFromTable:
    """What was removed from one table: live rows by partition value, and files, those of older versions included."""

    table: str
    rows: RowsBySlice = field(default_factory=dict)
    files_deleted: int = 0


@dataclass(frozen=True)
class Erasure:
    """One person's removal. `contracts` are by table; files written since `began` that no version names are left."""

    id: str
    search: PersonSearch
    contracts: Mapping[str, Contract]
    staging_folder: Path
    began: datetime

    def erase(self) -> Iterator[ErasedFromTable]:
        """Erase from every table, one after the other; tables that never held the person are left out.

        A version before this can't be read any more where it needs a file that held the person. Whoever publishes
        meanwhile wins, and their result is looked at again. Raises ErasureOvertaken.
        """
        rejected: RowsBySlice = {}
        for table in self.search.order():
            erased = self._erase_from(table)
            if table.endswith(QUARANTINE_SUFFIX):
                rejected = erased.rows
            elif rejected:
                self._note_rejected(table, rejected)
                rejected = {}
            if erased.rows or erased.files_deleted:
                yield erased

    def _erase_from(self, table: str) -> ErasedFromTable:
        lakehouse, erased = self.search.lakehouse, ErasedFromTable(table)
        replaced: set[str] = set()
        for _ in range(ATTEMPTS):
            held = {each.file.path: each for each in self.search.in_table(table)}
            snapshot = lakehouse.snapshot(table)
            try:
                for slices in _batches(snapshot, held):
                    for value, count in self._write_anew(snapshot, slices).items():
                        erased.rows[value] = erased.rows.get(value, 0) + count
                    replaced |= {file.path for file in snapshot.files if file.slice_value in slices}
            except FilesReplacedMeanwhile:
                continue
            live = {file.path for file in lakehouse.snapshot(table).files}
            old = {path for path, each in held.items() if each.file.modified_at < self.began}
            dead = sorted(held.keys() & (old | replaced) - live)
            TableFolder(lakehouse, table).delete(dead)
            erased.files_deleted = len(dead)
            return erased
        raise ErasureOvertaken(
            f"{ATTEMPTS} attempts were overtaken by publications",
            where=lakehouse.uri(table),
            todo="stop what publishes to it and erase again",
        )

    def _write_anew(self, snapshot: Snapshot, slices: Sequence[str | None]) -> RowsBySlice:
        """Commit partition values without the person's rows; returns how many rows went from each."""
        lakehouse, engine, table = self.search.lakehouse, self.search.engine, snapshot.table
        batch_id = uuid.uuid4().hex
        folder = self.staging_folder / f"{table}-{batch_id}"
        wanted = None if snapshot.slice_column is None else [value for value in slices if value is not None]
        try:
            kept = self.search.others(table, read(lakehouse, engine, snapshot, wanted))
            staged = engine.stage(kept.mutate(outcome=ibis.literal(PUBLISH)), snapshot.slice_column, folder)
            audits = {value: SliceAudit(value, 0, 0, "empty", {}) for value in slices}
            audits |= {audit.slice_value: audit for audit in self._audit(snapshot, staged)}
            before = snapshot.rows_by_slice()
            gone = {value: before[value] - audit.rows for value, audit in audits.items()}
            notes = self._notes(table, audits, gone)
            replace_files(
                lakehouse,
                snapshot,
                snapshot.files_of(wanted),
                staged,
                batch_id=batch_id,
                metadata={"reason": "erasure", "erasure_id": self.id, **notes},
                data_change=True,
            )
            return gone
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _audit(self, snapshot: Snapshot, staged: Sequence[StagedFile]) -> list[SliceAudit]:
        """As a publication of the same rows would be audited, so that the digests compare."""
        contract, columns = self.contracts.get(snapshot.table), [each.name for each in snapshot.delta.schema().fields]
        return self.search.engine.audit(
            staged,
            snapshot.slice_column,
            (),
            contract.column_names if contract else columns,
            event_time=contract.event_time_column if contract else None,
            last_minutes=SESSION_GAP,
        )

    def _notes(self, table: str, audits: Mapping[str | None, SliceAudit], gone: RowsBySlice) -> dict[str, str]:
        """What the partitions hold now. Erased rows count as dropped: in = published + quarantined + dropped."""
        known, slices = self.search.lakehouse.slice_notes(table), {}
        for value, audit in audits.items():
            before = known.get(str(value), SliceNote(0, 0, 0, ""))
            dropped = before.dropped + gone[value]
            slices[str(value)] = SliceNote(audit.rows, before.quarantined, dropped, audit.digest)
        notes = {SLICES_NOTE: json.dumps(slices)}
        contract = self.contracts.get(table)
        if contract is not None and contract.event_time_column is not None:
            days = {
                str(value): {day.isoformat(): content for day, content in sorted(audit.event_days.items())}
                for value, audit in audits.items()
            }
            notes[EVENT_DAYS_NOTE] = json.dumps(days)
        return notes

    def _note_rejected(self, table: str, rejected: RowsBySlice) -> None:
        """Write down that rows left a table's quarantine; its own rows stay as they are."""
        entries = self.search.lakehouse.snapshot(table).delta.history()
        slices, days = {}, {}
        for value, count in rejected.items():
            note = _latest(entries, SLICES_NOTE, str(value))
            if note is None:
                continue
            rows, quarantined, dropped, digest = note
            slices[str(value)] = SliceNote(rows, max(0, quarantined - count), dropped + count, digest)
            days[str(value)] = _latest(entries, EVENT_DAYS_NOTE, str(value))
        if not slices:
            return
        metadata = {"reason": "erasure", "erasure_id": self.id, SLICES_NOTE: json.dumps(slices)}
        if all(each is not None for each in days.values()):
            metadata[EVENT_DAYS_NOTE] = json.dumps(days)
        commit_files(
            self.search.lakehouse,
            table,
            added=[],
            removed=lambda newest: [],
            batch_id=uuid.uuid4().hex,
            metadata=metadata,
            data_change=False,
        )


def _latest(entries: Sequence[Mapping], note: str, value: str) -> list | dict | None:
    """What the history, newest first, noted last of a partition value."""
    for entry in entries:
        noted = json.loads(entry.get(note, "{}"))
        if value in noted:
            return noted[value]
    return None


def _batches(snapshot: Snapshot, held: Mapping[str, HeldFile]) -> Iterator[list[str | None]]:
    """The partition values whose live files hold the person, as many at a time as staging should take."""
    by_slice: dict[str | None, list[ActiveFile]] = {}
    for file in snapshot.files:
        by_slice.setdefault(file.slice_value, []).append(file)
    batch: list[str | None] = []
    size = 0
    for value in sorted(by_slice, key=str):
        if not any(file.path in held for file in by_slice[value]):
            continue
        own = sum(file.bytes for file in by_slice[value])
        if batch and size + own > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(value)
        size += own
    if batch:
        yield batch
