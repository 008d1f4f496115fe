"""Signals of what was executed: runs, ticks of sensors and schedules. Each with the innermost error's own words."""

from typing import Any

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorTick, TickStatus

from platform_assets.automation.alert_signals.graph import PLATFORM_TEAM, Graph, instant, partitions_of
from platform_assets.domain.alerts.log import digest_of
from platform_assets.domain.alerts.message import cut
from platform_assets.domain.alerts.next_steps import next_step
from platform_assets.domain.alerts.signals import Kind, Signal

LONGEST_ERROR = 500


def run_signals(
    instance: dg.DagsterInstance, run: dg.DagsterRun | None, entry: dg.EventLogEntry, graph: Graph, same: dict[str, Any]
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


def tick_signals(instance: dg.DagsterInstance, after: float, graph: Graph) -> list[Signal]:
    """Failed ticks of sensors and schedules that began after a Unix time, and their newest tick if it ended well."""
    signals = []
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
        at=instant(tick.timestamp),
        failing=tick.status is TickStatus.FAILURE,
        owner=PLATFORM_TEAM,
        link=f"{graph.ui_url}/automation",
        next_step=next_step(Kind.TICK),
    )
