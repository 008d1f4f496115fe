"""The outbox: the table `alert_events`, to which rows are only ever added, each by compare and swap.

It lies in the lake, so it is where the data is, on a folder or on S3, and SQL and maintenance see it like any other
table. What the rows mean stands in `platform_assets.domain.alerts`.
"""

import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from platform_assets.domain.alerts.log import AlertEvent, AlertLog
from platform_assets.domain.contracts.alert_events import ALERT_EVENTS
from platform_assets.domain.errors import PlatformError
from resources.compute.engine import PUBLISH, StagedFile
from resources.lakehouse.audit import schema_at_rest
from resources.lakehouse.commit import CommitUnknown, NewTable, commit_files
from resources.lakehouse.data_files import discard, put_beside_table
from resources.lakehouse.publish import NO_TABLE, PublishedMeanwhile
from resources.lakehouse.rewriting import replace_files
from resources.lakehouse.schema_evolution import widened, with_note
from resources.lakehouse.slicing import Slicing
from resources.lakehouse.tables import ActiveFile, Lakehouse, Snapshot
from resources.object_store import StoreUnavailable

if TYPE_CHECKING:
    import pyarrow as pa

MOST_FILES = 64
"""Every update adds a file. So many are joined, and the log gets a checkpoint, without waiting for the night."""
TRIES = 20
"""So often an update is decided again because somebody else was faster."""
_INSTANTS = ("recorded_at", "occurred_at", "due_at")


class OutboxBusy(PlatformError):
    """Other writers won every attempt to add to the outbox. Nothing was written."""


@dataclass
class Remembered:
    """What was read last: the events of every file, by its path (files never change), and the log of all of them."""

    read: tuple[Mapping[str, tuple[AlertEvent, ...]], AlertLog] = field(default_factory=lambda: ({}, AlertLog()))


@dataclass(frozen=True)
class Outbox:
    """The table `alert_events` of a lakehouse. Who opens it often hands on what is `remembered` of it."""

    lakehouse: Lakehouse
    staging_folder: Path
    remembered: Remembered = field(default_factory=Remembered, repr=False)

    def events(self) -> AlertLog:
        """The whole log in its order; empty where nothing was ever written."""
        return self._read(self.lakehouse.latest(ALERT_EVENTS.name))

    def update(self, decide: Callable[[Sequence[AlertEvent]], Sequence[AlertEvent]]) -> list[AlertEvent]:
        """Add the rows that `decide` makes of the log, and return them with their places in it.

        Where somebody else wrote meanwhile, `decide` is asked again over the newer log, so that two deciders never act
        on the same state. No rows, no commit. Raises OutboxBusy, and what a commit raises.
        """
        for _ in range(TRIES):
            snapshot = self.lakehouse.latest(ALERT_EVENTS.name)
            events = self._read(snapshot)
            decided = list(decide(events))
            if not decided:
                return []
            place = events[-1].sequence + 1 if events else 1
            rows = [replace(row, sequence=place + number) for number, row in enumerate(decided)]
            try:
                self._keep_small(self._append(rows, snapshot))
            except PublishedMeanwhile:
                continue
            return rows
        raise OutboxBusy(
            f"{TRIES} attempts to write were lost to other writers",
            where=self.lakehouse.uri(ALERT_EVENTS.name),
            todo="nothing: the next tick tries again",
        )

    def _read(self, snapshot: Snapshot | None) -> AlertLog:
        # Others remember at the same time, perhaps another version: both are replaced together, never changed.
        before, log = self.remembered.read
        files = snapshot.files if snapshot else []
        known = {file.path: before.get(file.path) or self._read_file(file) for file in files}
        if known.keys() != before.keys():
            log = AlertLog(event for events in known.values() for event in events)
            self.remembered.read = known, log
        return log

    def _read_file(self, file: ActiveFile) -> tuple[AlertEvent, ...]:
        import pyarrow.dataset as ds

        filesystem, root = self.lakehouse.filesystem()
        path = f"{root}/{ALERT_EVENTS.name}/{file.path}"
        # The schema fills columns that a file is older than.
        found = ds.dataset([path], schema=_schema(), filesystem=filesystem, format="parquet").to_table()
        return tuple(AlertEvent(**{**row, **_without_zone(row)}) for row in found.to_pylist())

    def _append(self, rows: Sequence[AlertEvent], snapshot: Snapshot | None) -> Snapshot:
        """Commit rows on the version that they were decided on; PublishedMeanwhile where there is a newer one."""
        batch_id, table, schema = uuid.uuid4().hex, ALERT_EVENTS.name, _schema()
        based_on = snapshot.version if snapshot else NO_TABLE
        if snapshot:
            newest = widened(self.lakehouse, snapshot, ALERT_EVENTS, None, schema, {})
            _refuse_later(based_on, newest)
        with self._staged(rows, batch_id) as file:
            added = put_beside_table(self.lakehouse, table, [file], None, batch_id)
        try:
            return commit_files(
                self.lakehouse,
                table,
                added=added,
                removed=lambda newest: _refuse_later(based_on, newest),
                batch_id=batch_id,
                metadata={"reason": "alerts"},
                snapshot=snapshot,
                new_table=NewTable(with_note(schema, ALERT_EVENTS), None, ALERT_EVENTS.description),
            )
        except (CommitUnknown, StoreUnavailable):
            raise
        except PlatformError:
            discard(self.lakehouse, table, added)
            raise

    def _keep_small(self, snapshot: Snapshot) -> None:
        """Join the files where there are many. What others do meanwhile wins: the next update tries again."""
        if len(snapshot.files) < MOST_FILES:
            return
        batch_id = uuid.uuid4().hex
        with suppress(PlatformError), self._staged(self._read(snapshot), batch_id) as file:
            replace_files(
                self.lakehouse,
                snapshot,
                snapshot.files,
                [file],
                batch_id=batch_id,
                metadata={"reason": "compaction"},
                data_change=False,
            )
            self.lakehouse.snapshot(snapshot.table).delta.create_checkpoint()

    @contextmanager
    def _staged(self, rows: Sequence[AlertEvent], batch_id: str) -> Iterator[StagedFile]:
        """Rows as a file in the staging folder, which is gone afterwards."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        folder = self.staging_folder / f"{ALERT_EVENTS.name}-{batch_id}"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            path = folder / "rows.parquet"
            pq.write_table(pa.Table.from_pylist([asdict(row) for row in rows], schema=_schema()), path)
            yield StagedFile(path, PUBLISH, None, len(rows), path.stat().st_size)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _refuse_later(based_on: int, newest: Snapshot) -> list[ActiveFile]:
    if newest.version != based_on:
        raise PublishedMeanwhile(
            "somebody else has written to the outbox meanwhile",
            where=f"table {newest.table}, version {newest.version}",
            todo="decide again",
        )
    return []


def _schema() -> "pa.Schema":
    return schema_at_rest(ALERT_EVENTS, Slicing(None))


def _without_zone(row: dict) -> dict[str, datetime | None]:
    return {name: row[name] and row[name].replace(tzinfo=None) for name in _INSTANTS}
