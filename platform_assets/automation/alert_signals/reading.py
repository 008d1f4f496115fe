"""Reads what was recorded since a cursor, in the order of the ids of the instance's event log.

Nothing is remembered but the cursor. What is read twice has the same id and is written down once.
"""

import functools
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Self

import dagster as dg

from platform_assets.automation.alert_signals.graph import Graph, RunOf, instant
from platform_assets.automation.alert_signals.runs_and_ticks import run_signals, tick_signals
from platform_assets.automation.alert_signals.verdicts import check_signals, freshness_signals, promotion_signals
from platform_assets.domain.alerts.log import digest_of
from platform_assets.domain.alerts.signals import Signal

MOST_EVENTS = 1_000
"""Of one type in one tick; the rest is read by the next."""
SETTLED_SECONDS = 60
"""Events are read again until so long after they were read first: a database may show an id before a smaller one."""
TICK_OVERLAP_SECONDS = 900
"""Ticks are found by when they began, and fail later."""
_READ = (
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.FRESHNESS_STATE_CHANGE,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_SUCCESS,
)


@dataclass(frozen=True)
class Cursor:
    """How far the instance was read, instants in Unix time.

    What is older than `since`, when alerts began, is nobody's alert. Everything up to `event_id` was read for good; up
    to `seen_id` it was read at `seen_at`, and is read again. Ticks were read at `ticked_at`.
    """

    since: float
    event_id: int
    seen_id: int
    seen_at: float
    ticked_at: float

    @classmethod
    def read(cls, text: str | None, now: datetime, newest: int) -> Self:
        """The cursor that was written, or that of a beginning: what was recorded before is left alone."""
        began = now.timestamp()
        return cls(**json.loads(text)) if text else cls(began, newest, newest, began, began)

    def moved(self, horizon: int, now: float, *, complete: bool) -> Self:
        """The cursor after everything up to `horizon` was read; not `complete`: there is more, which comes next."""
        if not complete or horizon < self.event_id:
            return replace(self, event_id=horizon, seen_id=horizon, seen_at=now, ticked_at=now)
        if now - self.seen_at < SETTLED_SECONDS:
            return replace(self, ticked_at=now)
        return replace(self, event_id=self.seen_id, seen_id=horizon, seen_at=now, ticked_at=now)

    def written(self) -> str:
        """The cursor as text."""
        return json.dumps(asdict(self))


def newest_event(instance: dg.DagsterInstance) -> int:
    """Id of the newest event of the index; 0 where there is none."""
    return instance.event_log_storage.get_maximum_record_id() or 0


def signals_since(
    instance: dg.DagsterInstance, cursor: Cursor, graph: Graph, now: datetime, *, most_events: int = MOST_EVENTS
) -> tuple[list[Signal], Cursor]:
    """What was recorded since a cursor, and the next cursor. `now` has a zone."""
    events, horizon, complete = _events(instance, cursor, graph.champions, most_events)
    run_of = functools.cache(instance.get_run_by_id)
    told = [signal for number, entry in events for signal in _signals(instance, run_of, number, entry, graph)]
    ticks = tick_signals(instance, max(cursor.ticked_at - TICK_OVERLAP_SECONDS, cursor.since), graph)
    return told + ticks, cursor.moved(horizon, now.timestamp(), complete=complete)


def _events(
    instance: dg.DagsterInstance, cursor: Cursor, champions: Iterable[str], most_events: int
) -> tuple[list[tuple[int, dg.EventLogEntry]], int, bool]:
    """Events after the cursor by id, the id up to which all of them were read, and whether that is all there is."""
    newest = newest_event(instance)
    # Ids begin anew where events were wiped; what was told already is known by its own id.
    after = cursor.event_id if newest >= cursor.event_id else 0
    found: dict[int, dg.EventLogEntry] = {}
    horizon = newest
    for kind in _READ if newest > after else ():
        read = instance.event_log_storage.get_logs_for_all_runs_by_log_id(after, kind, limit=most_events)
        horizon = min(horizon, max(read)) if len(read) == most_events else horizon
        found |= read
    for champion in champions if newest > after else ():
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey(champion), after_storage_id=after), limit=most_events, ascending=True
        ).records
        horizon = min(horizon, records[-1].storage_id) if len(records) == most_events else horizon
        found |= {record.storage_id: record.event_log_entry for record in records}
    told = [(number, found[number]) for number in sorted(found) if number <= horizon]
    return [each for each in told if each[1].timestamp >= cursor.since], horizon, horizon == newest


def _signals(
    instance: dg.DagsterInstance, run_of: RunOf, number: int, entry: dg.EventLogEntry, graph: Graph
) -> list[Signal]:
    event = entry.dagster_event
    if event is None:
        return []
    same = {"signal_id": digest_of(number, entry.run_id, entry.timestamp), "at": instant(entry.timestamp)}
    match event.event_type:
        case dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            return check_signals(run_of, entry.run_id, event.asset_check_evaluation_data, graph, same)
        case dg.DagsterEventType.FRESHNESS_STATE_CHANGE:
            return freshness_signals(event.asset_freshness_state_change_data, graph, same)
        case dg.DagsterEventType.RUN_FAILURE | dg.DagsterEventType.RUN_SUCCESS:
            return run_signals(instance, run_of(entry.run_id), entry, graph, same)
        case dg.DagsterEventType.ASSET_MATERIALIZATION:
            return promotion_signals(entry, graph, same)
    return []
