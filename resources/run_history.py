"""What Dagster has recorded of runs: the attempts of their steps, and the rows that these published.

What follows from it (costs, health) stands in `platform_assets.domain`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import dagster as dg
from dagster._core.execution.stats import (
    RunStepKeyStatsSnapshot,
    RunStepMarker,
    StepEventStatus,
    build_run_step_stats_from_events,
)

from platform_assets.domain.model_costs import Attempt, Published
from resources.run_recovery.dead_runs import UNFINISHED

STEP_EVENTS = frozenset(
    {
        dg.DagsterEventType.STEP_START,
        dg.DagsterEventType.STEP_SUCCESS,
        dg.DagsterEventType.STEP_FAILURE,
        dg.DagsterEventType.STEP_SKIPPED,
        dg.DagsterEventType.STEP_UP_FOR_RETRY,
        dg.DagsterEventType.STEP_RESTARTED,
    }
)
"""What tells when attempts begin and end."""

ROW_COUNTS = ("dagster/partition_row_count", "dagster/row_count", "training_rows")
"""Metadata of a materialisation that say how many rows it made or, of a model, was learnt from; the first counts."""


class Work(NamedTuple):
    """What runs did, and how many of them were not looked at."""

    attempts: list[Attempt]
    published: list[Published]
    runs_left_out: int


def work_between(
    instance: dg.DagsterInstance,
    begin: datetime,
    end: datetime,
    *,
    counting_rows: bool = True,
    most_runs: int | None = None,
) -> Work:
    """Every attempt of a step that may have lasted between two instants (UTC), and all that its run published.

    An attempt lasts until its step succeeded, failed or was put off; where it did none of it, until its run ended
    (then its process had died), or still. Materialisations are many and long: where nobody needs their rows
    (`counting_rows`), they are not read. Of more than `most_runs` runs only the newest are read.
    """
    kinds = STEP_EVENTS | {dg.DagsterEventType.ASSET_MATERIALIZATION} if counting_rows else STEP_EVENTS
    attempts: list[Attempt] = []
    published: list[Published] = []
    # A run that ended before is not updated after; one that lasts may not have been updated for days.
    ended_later = dg.RunsFilter(created_before=end, updated_after=begin)
    lasting = dg.RunsFilter(created_before=end, statuses=UNFINISHED)
    records = [*instance.get_run_records(ended_later), *instance.get_run_records(lasting)]
    by_id = {record.dagster_run.run_id: record for record in records}
    newest = sorted(by_id.values(), key=lambda record: record.storage_id, reverse=True)[:most_runs]
    for record in newest:
        run_id = record.dagster_run.run_id
        events = [entry.event_log_entry for entry in instance.get_records_for_run(run_id, of_type=set(kinds)).records]
        for step in build_run_step_stats_from_events(run_id, events):
            attempts += _attempts(step, record)
            published += _published(step)
    return Work(attempts, published, runs_left_out=len(by_id) - len(newest))


def _attempts(step: RunStepKeyStatsSnapshot, record: dg.RunRecord) -> Iterator[Attempt]:
    finished = list(step.attempts_list)
    for number, marker in enumerate(finished):
        # All but the last were put off for a retry: they failed.
        failed = number < len(finished) - 1 or step.status is StepEventStatus.FAILURE
        failed = failed or step.partial_attempt_start is not None
        yield _attempt(record, step.step_key, marker, failed=failed)
    if step.partial_attempt_start is not None:
        last = RunStepMarker(start_time=step.partial_attempt_start, end_time=record.end_time)
        yield _attempt(record, step.step_key, last, died=record.dagster_run.is_finished)


def _attempt(
    record: dg.RunRecord, step: str, marker: RunStepMarker, *, failed: bool = False, died: bool = False
) -> Attempt:
    assert marker.start_time is not None, "an attempt is recorded by its start"
    ended = None if marker.end_time is None else _instant(marker.end_time)
    return Attempt(record.dagster_run.run_id, step, _instant(marker.start_time), ended, failed=failed, died=died)


def _published(step: RunStepKeyStatsSnapshot) -> Iterator[Published]:
    for entry in step.materialization_events:
        made = entry.asset_materialization
        counts = [made.metadata[name].value for name in ROW_COUNTS if name in made.metadata] if made else []
        if counts:
            yield Published(step.step_key, _instant(entry.timestamp), int(str(counts[0])))


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
