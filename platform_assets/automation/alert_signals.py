"""What the instance has recorded since a cursor, as signals: verdicts of checks, freshness, runs, ticks, promotions.

Events are read in the order of their ids from the instance's event log; nothing is remembered but the cursor. What is
read twice has the same id and is written down once. What becomes of signals is decided in `domain.alerts`.
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self

import dagster as dg
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange
from dagster._core.scheduler.instigation import InstigatorTick, TickStatus

from platform_assets.automation.partition_requests import FIRST_TAG, LAST_TAG, PARTITION_TAG
from platform_assets.domain.alerts.log import ERROR, INFO, WARNING, digest_of
from platform_assets.domain.alerts.message import cut
from platform_assets.domain.alerts.next_steps import next_step
from platform_assets.domain.alerts.signals import Kind, Signal

MOST_EVENTS = 1_000
"""Of one type in one tick; the rest is read by the next."""
SETTLED_SECONDS = 60
"""Events are read again until so long after they were read first: a database may show an id before a smaller one."""
TICK_OVERLAP_SECONDS = 900
"""Ticks are found by when they began, and fail later."""
METRIC_CHECKS = frozenset({"metric_holds"})
TOLD_OTHERWISE = frozenset({"gate_passed"})
"""Checks that say what a promotion's signal says."""
LONGEST_ERROR = 500
PLATFORM_TEAM = "team:data-platform"
"""Answers for what is no asset: sensors, schedules, jobs such as the nightly maintenance."""

_RunOf = Callable[[str], dg.DagsterRun | None]
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


@dataclass(frozen=True)
class Graph:
    """What is known of subjects beside the event log: owners of assets, targets that models name, the UI's address."""

    ui_url: str
    owner_of: Callable[[dg.AssetKey], str] = lambda key: ""
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    champions: Sequence[str] = ()

    def targets_of(self, asset: str) -> tuple[str, ...]:
        """The targets that the model of an asset names; `targets` is by the model's name."""
        return next((named for model, named in self.targets.items() if asset.startswith(f"{model}_")), ())

    def about(self, key: dg.AssetKey, run_id: str = "") -> dict[str, Any]:
        """What a signal says of an asset: its name, owner, targets and where the UI shows it."""
        name = key.to_user_string()
        link = f"{self.ui_url}/runs/{run_id}" if run_id else f"{self.ui_url}/assets/{'/'.join(key.path)}"
        return {
            "subject": name,
            "owner": self.owner_of(key) or PLATFORM_TEAM,
            "targets": self.targets_of(name),
            "link": link,
            "run_id": run_id,
        }


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
    return told + _tick_signals(instance, cursor, graph), cursor.moved(horizon, now.timestamp(), complete=complete)


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
    instance: dg.DagsterInstance, run_of: _RunOf, number: int, entry: dg.EventLogEntry, graph: Graph
) -> list[Signal]:
    event = entry.dagster_event
    if event is None:
        return []
    same = {"signal_id": digest_of(number, entry.run_id, entry.timestamp), "at": _instant(entry.timestamp)}
    match event.event_type:
        case dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            return _check_signals(run_of, entry.run_id, event.asset_check_evaluation_data, graph, same)
        case dg.DagsterEventType.FRESHNESS_STATE_CHANGE:
            return _freshness_signals(event.asset_freshness_state_change_data, graph, same)
        case dg.DagsterEventType.RUN_FAILURE | dg.DagsterEventType.RUN_SUCCESS:
            return _run_signals(instance, run_of(entry.run_id), entry, graph, same)
        case dg.DagsterEventType.ASSET_MATERIALIZATION:
            return _promotion_signals(entry, graph, same)
    return []


def _check_signals(
    run_of: _RunOf, run_id: str, verdict: dg.AssetCheckEvaluation, graph: Graph, same: dict
) -> list[Signal]:
    """A verdict; a warning and an error are topics of their own, so that what gets worse is told."""
    if verdict.check_name in TOLD_OTHERWISE:
        return []
    kind = Kind.METRIC if verdict.check_name in METRIC_CHECKS else Kind.CHECK
    failed = None if verdict.passed else WARNING if verdict.severity is dg.AssetCheckSeverity.WARN else ERROR
    run = run_of(run_id) if failed else None
    given = {
        **graph.about(verdict.asset_key),
        "kind": kind,
        "item": verdict.check_name,
        "what": cut(verdict.description or ("it failed" if failed else "it passed")),
        "partition": verdict.partition or (partitions_of(run) if run else ""),
        "next_step": next_step(kind, verdict.check_name),
    }
    topic = f"{kind.value}/{verdict.asset_key.to_user_string()}/{verdict.check_name}/{verdict.partition or ''}"
    return _by_severity(topic, failed, given | {"run_id": run_id if run else ""}, same)


def _freshness_signals(change: FreshnessStateChange, graph: Graph, same: dict) -> list[Signal]:
    known = {FreshnessState.PASS: None, FreshnessState.WARN: WARNING, FreshnessState.FAIL: ERROR}
    if change.new_state not in known:
        return []
    failed = known[change.new_state]
    late = {WARNING: "it will be late soon", ERROR: "it is late: nothing was materialised within its freshness policy"}
    given = {
        **graph.about(change.key),
        "kind": Kind.FRESHNESS,
        "what": late.get(failed or "", "it is fresh again"),
        "next_step": next_step(Kind.FRESHNESS),
    }
    return _by_severity(f"freshness/{change.key.to_user_string()}", failed, given, same)


def _by_severity(topic: str, failed: str | None, given: dict, same: dict) -> list[Signal]:
    return [
        Signal(
            **given,
            topic=f"{topic}/{severity}",
            severity=severity,
            failing=failed == severity,
            signal_id=f"{same['signal_id']}-{severity}",
            at=same["at"],
        )
        for severity in (WARNING, ERROR)
    ]


def _run_signals(
    instance: dg.DagsterInstance, run: dg.DagsterRun | None, entry: dg.EventLogEntry, graph: Graph, same: dict
) -> list[Signal]:
    """A run's end. A later run of the same assets over the same partitions, a retry for one, tells of recovery."""
    if run is None:
        return []
    event = entry.get_dagster_event()
    failed = event.event_type == dg.DagsterEventType.RUN_FAILURE
    assets = sorted(key.to_user_string() for key in run.asset_selection or ()) or [run.job_name]
    topic = f"run/{digest_of(run.job_name, *assets)}/{partitions_of(run)}"
    if not failed:
        return [Signal(**same, kind=Kind.RUN, subject=assets[0], topic=topic, what="it succeeded", failing=False)]
    step, error = _failure(instance, run, event)
    subject = step if step in assets or graph.owner_of(dg.AssetKey(step or "none")) else assets[0]
    retried = run.tags.get("dagster/will_retry") == "true"
    given = graph.about(dg.AssetKey(subject), run.run_id)
    return [
        Signal(
            **same,
            **given,
            kind=Kind.RUN,
            topic=topic,
            item=step if step != subject else "",
            what=error,
            partition=partitions_of(run),
            next_step="it is tried again by itself" if retried else next_step(Kind.RUN, what=error),
        )
    ]


def _failure(instance: dg.DagsterInstance, run: dg.DagsterRun, event: dg.DagsterEvent) -> tuple[str, str]:
    """The step that failed first, and the innermost error's own words."""
    failed = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    first = failed[0].dagster_event if failed else None
    error = first.step_failure_data.error if first else None
    while error is not None and error.cause is not None:
        error = error.cause
    told = error.message if error else event.message or "the run failed"
    return (first.step_key or "" if first else ""), cut(told, LONGEST_ERROR)


def _promotion_signals(entry: dg.EventLogEntry, graph: Graph, same: dict) -> list[Signal]:
    made = entry.asset_materialization
    if made is None or "promoted" not in made.metadata:
        return []
    promoted = bool(made.metadata["promoted"].value)
    reason = str(made.metadata["reason"].value) if "reason" in made.metadata else ""
    told = "a challenger became champion" if promoted else "a challenger was refused"
    return [
        Signal(
            **same,
            **graph.about(made.asset_key),
            kind=Kind.PROMOTION,
            topic=f"promotion/{made.asset_key.to_user_string()}/{digest_of(promoted, reason)}",
            what=cut(f"{told}: {reason}" if reason else told),
            severity=INFO if promoted else WARNING,
            lasting=False,
            next_step=next_step(Kind.PROMOTION, refused=not promoted),
        )
    ]


def _tick_signals(instance: dg.DagsterInstance, cursor: Cursor, graph: Graph) -> list[Signal]:
    """Failed ticks of sensors and schedules since the cursor, and their newest tick if it ended well."""
    signals = []
    after = max(cursor.ticked_at - TICK_OVERLAP_SECONDS, cursor.since)
    # An instance that lives in memory keeps no ticks.
    for state in instance.all_instigator_state() if instance.schedule_storage else ():
        origin, selector = state.instigator_origin_id, state.selector_id
        ended = [TickStatus.FAILURE, TickStatus.SUCCESS, TickStatus.SKIPPED]
        newest = instance.get_ticks(origin, selector, after=after, limit=1, statuses=ended)
        failed = instance.get_ticks(origin, selector, after=after, limit=20, statuses=[TickStatus.FAILURE])
        ticks = {tick.tick_id: tick for tick in [*newest, *failed]}
        signals += [_tick_signal(state.name, tick, graph) for tick in ticks.values()]
    return signals


def _tick_signal(name: str, tick: InstigatorTick, graph: Graph) -> Signal:
    error = tick.error
    while error is not None and error.cause is not None:
        error = error.cause
    return Signal(
        signal_id=digest_of("tick", tick.instigator_origin_id, tick.tick_id, tick.timestamp),
        kind=Kind.TICK,
        subject=name,
        topic=f"tick/{name}",
        what=cut(error.message if error else "the tick failed", LONGEST_ERROR),
        at=_instant(tick.timestamp),
        failing=tick.status is TickStatus.FAILURE,
        owner=PLATFORM_TEAM,
        link=f"{graph.ui_url}/automation",
        next_step=next_step(Kind.TICK),
    )


def partitions_of(run: dg.DagsterRun) -> str:
    """The partition or range of partitions of a run; empty where it has none."""
    first = run.tags.get(FIRST_TAG) or run.tags.get(PARTITION_TAG) or ""
    last = run.tags.get(LAST_TAG, first)
    return first if first == last else f"{first}...{last}"


def _instant(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC).replace(tzinfo=None)
