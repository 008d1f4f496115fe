"""What the Dagster instance knows: runs, checks, freshness, ticks, the daemon's heartbeat."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, InstigatorTick, TickStatus

from platform_assets.automation.partition_requests import FIRST_TAG, LAST_TAG, PARTITION_TAG
from platform_assets.cli.checks import verdict_of
from platform_assets.domain.status.work import CheckVerdict, EndedRun, Freshness, Runs, Ticker
from resources.run_recovery.dead_runs import unfinished_runs

LOOKED_BACK = timedelta(hours=24)
WAITING = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]


def runs_of(instance: dg.DagsterInstance, now: datetime) -> Runs:
    """Runs under way, dead and queued ones, and those that failed in the last 24 hours."""
    unfinished = list(unfinished_runs(instance))
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    last = instance.get_run_records(dg.RunsFilter(statuses=ended), limit=1)
    return Runs(
        in_flight=[each.assets for each in unfinished if not each.is_dead],
        queued=instance.get_runs_count(dg.RunsFilter(statuses=WAITING)),
        dead=[each.assets for each in unfinished if each.is_dead],
        failed=_failed(instance, now - LOOKED_BACK),
        last_ended_at=max((_ended_at(record) for record in last), default=None),
    )


def _failed(instance: dg.DagsterInstance, since: datetime) -> list[EndedRun]:
    failed = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since))
    if not failed:
        return []
    made = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS], updated_after=since))
    found = []
    for record in sorted(failed, key=_ended_at):
        run, made_later = record.dagster_run, any(_makes_up_for(other, record) for other in made)
        found.append(EndedRun(run.run_id, _assets(run), _ended_at(record), made_later))
    waiting = [run for run in found if not run.made_later]
    # One log is opened: that of the failure that is told.
    return [replace(run, error=_error(instance, run.run_id)) if run in waiting[-1:] else run for run in found]


def _error(instance: dg.DagsterInstance, run_id: str) -> str:
    """What the first failed step of a run died of, in the words of the error that began it; empty if no step failed."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        failure = entry.dagster_event.step_failure_data if entry.dagster_event else None
        error = failure.error if failure else None
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None:
            return error.message.strip().splitlines()[0].partition(": ")[2]
    return ""


def _makes_up_for(later: dg.RunRecord, failed: dg.RunRecord) -> bool:
    """Whether a run made, after another had failed, all that the other was to make."""
    if _ended_at(later) < _ended_at(failed):
        return False
    if failed.dagster_run.run_id in (later.dagster_run.root_run_id, later.dagster_run.parent_run_id):
        return True
    wanted, made = failed.dagster_run.asset_selection, later.dagster_run.asset_selection
    # A run without a selection is one of its whole job.
    same = wanted <= made if wanted and made else wanted == made
    if not same or (not wanted and failed.dagster_run.job_name != later.dagster_run.job_name):
        return False
    (first, last), (made_first, made_last) = _span(failed.dagster_run), _span(later.dagster_run)
    return made_first <= first and last <= made_last


def _span(run: dg.DagsterRun) -> tuple[str, str]:
    whole = run.tags.get(PARTITION_TAG, "")
    return run.tags.get(FIRST_TAG, whole), run.tags.get(LAST_TAG, whole)


def _assets(run: dg.DagsterRun) -> str:
    names = sorted(key.to_user_string() for key in run.asset_selection or ())
    return (", ".join(names[:2]) + (" …" if len(names) > 2 else "")) or run.job_name


def _ended_at(record: dg.RunRecord) -> datetime:
    ended = record.end_time
    return datetime.fromtimestamp(ended, UTC) if ended else record.update_timestamp.astimezone(UTC)


def checks_of(instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey]) -> list[CheckVerdict]:
    """The latest verdict of every check."""
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    found = []
    for key in keys:
        record = latest.get(key)
        evaluation = record.event.asset_check_evaluation if record and record.event else None
        verdict = verdict_of(record.status.value if record else None, evaluation)
        said = (evaluation.description if evaluation else "") or ""
        found.append(CheckVerdict(key.asset_key.to_user_string(), key.name, verdict, said))
    return found


def freshness_of(instance: dg.DagsterInstance, keys: Sequence[dg.AssetKey]) -> list[Freshness]:
    """What the daemon last said of the tables that promise to be fresh."""
    records = instance.get_freshness_state_records(list(keys)) if keys else {}
    return [
        Freshness(key.to_user_string(), record.freshness_state.value, record.updated_at)
        if (record := records.get(key))
        else Freshness(key.to_user_string(), "UNKNOWN")
        for key in keys
    ]


def tickers_of(instance: dg.DagsterInstance, names: Sequence[str]) -> list[Ticker]:
    """The declared sensors and schedules, each with its last tick, whichever server evaluated it."""
    stored: dict[str, list[InstigatorState]] = {}
    for state in instance.all_instigator_state():
        stored.setdefault(state.instigator_name, []).append(state)
    return [_ticker(instance, name, stored.get(name, [])) for name in names]


def _ticker(instance: dg.DagsterInstance, name: str, states: Sequence[InstigatorState]) -> Ticker:
    ticks: list[InstigatorTick] = []
    for state in states:
        # The newest may be under way; what the one before it said still holds.
        ticks += instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=2)
    ended = [tick for tick in ticks if tick.status is not TickStatus.STARTED]
    stopped = bool(states) and all(state.status is InstigatorStatus.STOPPED for state in states)
    if not ended:
        return Ticker(name, is_stopped=stopped)
    last = max(ended, key=lambda tick: tick.timestamp)
    error = last.error.message.strip().splitlines()[0] if last.status is TickStatus.FAILURE and last.error else ""
    failed = last.status is TickStatus.FAILURE
    return Ticker(name, datetime.fromtimestamp(last.timestamp, UTC), error or ("failed" if failed else ""), stopped)


def heartbeat_of(instance: dg.DagsterInstance) -> datetime | None:
    """When a daemon last said that it lives."""
    beats = [beat.timestamp for beat in instance.get_daemon_heartbeats().values()]
    return datetime.fromtimestamp(max(beats), UTC) if beats else None
