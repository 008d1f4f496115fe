"""What Dagster has recorded of runs: the attempts of their steps, and the rows that these published.

What follows from it (costs, health) stands in `platform_assets.domain`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import dagster as dg
from dagster._core.execution.stats import RunStepKeyStatsSnapshot, RunStepMarker, StepEventStatus

from platform_assets.domain.model_costs import Attempt, Published
from resources.run_recovery.dead_runs import UNFINISHED

ROW_COUNTS = ("dagster/partition_row_count", "dagster/row_count", "training_rows")
"""Metadata of a materialisation that say how many rows it made or, of a model, was learnt from; the first counts."""


class Work(NamedTuple):
    """What steps did, and what they published."""

    attempts: list[Attempt]
    published: list[Published]


def work_between(instance: dg.DagsterInstance, begin: datetime, end: datetime) -> Work:
    """Every attempt of a step that may have lasted between two instants (UTC), and all that its run published.

    An attempt lasts until its step succeeded, failed or was put off; where it did none of it, until its run ended
    (then its process had died), or still. The log of every run is read: some hundredths of a second each.
    """
    work = Work([], [])
    for record in _runs_between(instance, begin, end):
        for step in instance.get_run_step_stats(record.dagster_run.run_id):
            work.attempts.extend(_attempts(step, record))
            work.published.extend(_published(step))
    return work


def run_seconds_between(instance: dg.DagsterInstance, begin: datetime, end: datetime) -> tuple[int, float]:
    """How many runs lasted between two instants (UTC), and their seconds in between; no run's log is read."""
    spans = [
        (max(record.start_time, begin.timestamp()), min(record.end_time or end.timestamp(), end.timestamp()))
        for record in _runs_between(instance, begin, end)
        if record.start_time is not None
    ]
    lasted = [ended - began for began, ended in spans if ended > began]
    return len(lasted), sum(lasted)


def _runs_between(instance: dg.DagsterInstance, begin: datetime, end: datetime) -> list[dg.RunRecord]:
    # A run that ended before is not updated after; one that lasts may not have been updated for days.
    ended_later = dg.RunsFilter(created_before=end, updated_after=begin)
    lasting = dg.RunsFilter(created_before=end, statuses=UNFINISHED)
    records = [*instance.get_run_records(ended_later), *instance.get_run_records(lasting)]
    by_id = {record.dagster_run.run_id: record for record in records}
    return [record for _, record in sorted(by_id.items())]


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
