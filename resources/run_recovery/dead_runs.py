"""Runs that Dagster takes for running while their process is gone: found, and closed with their pool slots.

Dagster's run monitoring sees a worker die while the code server lives. When everything dies at once (power cut, a
killed process group), or a run was started on the command line, nobody is left to say so, and the run keeps its place
in the pool of the table that it was writing.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import dagster as dg
from dagster._core.events import EngineEventData

from resources.run_recovery.worker_process import ProcessState, WorkerProcess

WORKER_NOTE = "worker_process"
"""Entry of a run's event that says which process computes it."""

UNFINISHED = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
"""What a run with a process can be. Queued runs have none and are started by the daemon when it comes back."""


@dataclass(frozen=True)
class UnfinishedRun:
    """A run that has not ended as far as Dagster knows; `worker` is None where it has not said who computes it."""

    run: dg.DagsterRun
    worker: WorkerProcess | None

    @property
    def state(self) -> ProcessState:
        """What can be said of its process."""
        return self.worker.state() if self.worker else ProcessState.OUT_OF_SIGHT

    @property
    def is_dead(self) -> bool:
        """Whether its process is known to be gone."""
        return self.state is ProcessState.GONE

    @property
    def assets(self) -> str:
        """What it was to materialise."""
        keys = sorted(key.to_user_string() for key in self.run.asset_selection or ())
        return ", ".join(keys) or self.run.job_name


def note_worker(instance: dg.DagsterInstance, run: dg.DagsterRun, worker: WorkerProcess | None) -> None:
    """Write into the run's log which process computes it; nothing where that isn't known.

    An event and no tag: a retry inherits the tags of the run before it, and would be taken for dead.
    """
    if worker is not None:
        note = EngineEventData({WORKER_NOTE: dg.MetadataValue.json(asdict(worker))})
        instance.report_engine_event(f"This run is computed by the process {worker}.", run, note)


def unfinished_runs(instance: dg.DagsterInstance) -> Iterator[UnfinishedRun]:
    """Every run that has not ended, the oldest first."""
    found = instance.get_runs(filters=dg.RunsFilter(statuses=UNFINISHED))
    for run in reversed(found):
        yield UnfinishedRun(run, _worker_of(instance, run.run_id))


def close_dead_runs(instance: dg.DagsterInstance) -> list[UnfinishedRun]:
    """Close every run whose process is gone; returns those that were closed.

    A closed run is a failure, which the daemon tries again as `run_retries` says; one that was asked to end is
    cancelled. Runs whose process can't be seen from here are left alone.
    """
    return [dead for dead in unfinished_runs(instance) if dead.is_dead and close(instance, dead)]


def close(instance: dg.DagsterInstance, unfinished: UnfinishedRun) -> bool:
    """Close a run whose process is known to be gone and free its pool slots; False if it had ended after all."""
    # Its process may have ended it between the two looks; once the process is gone, nothing else does.
    run = instance.get_run_by_id(unfinished.run.run_id)
    if run is None or run.is_finished:
        return False
    # Slots first: cut off between the two steps, the run is still there to be found again.
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    who = f"the process that computed it ({unfinished.worker})" if unfinished.worker else "the process that computed it"
    message = (
        f"The run died: {who} is gone without a word, as after kill -9, a power cut or too little memory. "
        "Its tables hold what was committed before, nothing in between, and its pool slots are free again."
    )
    if run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, f"{message} It had been asked to end.")
    else:
        instance.report_run_failed(run, message)
    return True


def _worker_of(instance: dg.DagsterInstance, run_id: str) -> WorkerProcess | None:
    for entry in reversed(instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)):
        event = entry.dagster_event
        note = event.engine_event_data.metadata.get(WORKER_NOTE) if event else None
        if isinstance(note, dg.JsonMetadataValue) and isinstance(note.data, dict):
            return WorkerProcess(**note.data)
    return None
