"""Runs whose process is gone are closed with their pool slots; all others are left alone."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from threading import Event

import dagster as dg
import pytest

from platform_assets.automation.dead_runs import dead_runs
from resources.run_recovery.dead_runs import UnfinishedRun, close, close_dead_runs, note_worker, unfinished_runs
from resources.run_recovery.executor import repeated
from resources.run_recovery.worker_process import WorkerProcess

POOL = "write_held"
STARTED, STARTING, CANCELING = (
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.CANCELING,
)
UNFINISHED = [STARTING, STARTED, CANCELING]


@dg.job
def held() -> None:
    """A job without steps: only its run's record matters here."""


@pytest.fixture(scope="module")
def storage() -> Iterator[dg.DagsterInstance]:
    retries = {"enabled": True, "max_retries": 1, "retry_on_asset_or_op_failure": False}
    pools = {"default_limit": 1, "granularity": "op"}
    with dg.instance_for_test(overrides={"run_retries": retries, "concurrency": {"pools": pools}}) as instance:
        yield instance


@pytest.fixture
def instance(storage: dg.DagsterInstance) -> dg.DagsterInstance:
    """An instance without runs."""
    storage.wipe()
    storage.event_log_storage.initialize_concurrency_limit_to_default(POOL)
    return storage


@pytest.fixture(scope="module")
def dead_process() -> WorkerProcess:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        worker = WorkerProcess.with_pid(child.pid)
        child.kill()
    assert worker is not None
    return worker


def a_run(
    instance: dg.DagsterInstance,
    worker: WorkerProcess | None,
    status: dg.DagsterRunStatus = STARTED,
    parent: dg.DagsterRun | None = None,
) -> str:
    """A run in a status that holds the pool of its table, computed by a process."""
    origin = {"parent_run_id": parent.run_id, "root_run_id": parent.run_id} if parent else {}
    tags = {f"dagster/{name}": run_id for name, run_id in origin.items()}
    run = instance.create_run_for_job(held, status=status, tags=tags, **origin)
    note_worker(instance, run, worker)
    instance.event_log_storage.claim_concurrency_slot(POOL, run.run_id, "held")
    return run.run_id


def status_of(instance: dg.DagsterInstance, run_id: str) -> str:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status.value


def holders(instance: dg.DagsterInstance) -> set[str]:
    return instance.event_log_storage.get_concurrency_info(POOL).active_run_ids


def test_a_run_whose_process_is_gone_fails_with_the_reason_and_frees_its_slot(
    instance: dg.DagsterInstance, dead_process: WorkerProcess
) -> None:
    run_id = a_run(instance, dead_process)
    assert holders(instance) == {run_id}
    assert [closed.run.run_id for closed in close_dead_runs(instance)] == [run_id]
    assert status_of(instance, run_id) == "FAILURE"
    assert holders(instance) == set()
    (said,) = instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert f"pid {dead_process.pid}" in said.message
    assert close_dead_runs(instance) == []


@pytest.mark.parametrize(
    "computed_by", ["a process that lives", "a process of another host", "nobody has said by which process"]
)
def test_a_run_that_is_not_known_to_be_dead_is_left_alone(
    instance: dg.DagsterInstance, dead_process: WorkerProcess, computed_by: str
) -> None:
    elsewhere = replace(dead_process, host="elsewhere", boot="another")
    worker = {"a process that lives": WorkerProcess.current(), "a process of another host": elsewhere}.get(computed_by)
    run_ids = [a_run(instance, worker, status) for status in UNFINISHED]
    assert close_dead_runs(instance) == []
    assert [status_of(instance, run_id) for run_id in run_ids] == [status.value for status in UNFINISHED]
    assert holders(instance) == {run_ids[0]}


def test_a_closed_run_is_tried_again_once(instance: dg.DagsterInstance, dead_process: WorkerProcess) -> None:
    first = a_run(instance, dead_process)
    close_dead_runs(instance)
    closed = instance.get_run_by_id(first)
    assert closed is not None and closed.tags["dagster/will_retry"] == "true"
    second = a_run(instance, dead_process, parent=closed)
    close_dead_runs(instance)
    closed_again = instance.get_run_by_id(second)
    assert closed_again is not None and closed_again.tags["dagster/will_retry"] == "false"


def test_a_dead_run_that_was_asked_to_end_is_cancelled_and_not_tried_again(
    instance: dg.DagsterInstance, dead_process: WorkerProcess
) -> None:
    run_id = a_run(instance, dead_process, CANCELING)
    assert [closed.run.run_id for closed in close_dead_runs(instance)] == [run_id]
    run = instance.get_run_by_id(run_id)
    assert run is not None and run.status.value == "CANCELED"
    assert "dagster/will_retry" not in run.tags
    assert holders(instance) == set()


def test_a_run_that_ended_just_before_its_process_did_keeps_its_end(
    instance: dg.DagsterInstance, dead_process: WorkerProcess
) -> None:
    run_id = a_run(instance, dead_process)
    (looked_at,) = unfinished_runs(instance)
    instance.report_run_canceled(looked_at.run)
    assert not close(instance, UnfinishedRun(looked_at.run, dead_process))
    assert status_of(instance, run_id) == "CANCELED"


def test_only_the_dead_among_many_are_closed(instance: dg.DagsterInstance, dead_process: WorkerProcess) -> None:
    alive = [a_run(instance, WorkerProcess.current()) for _ in range(3)]
    dead = [a_run(instance, dead_process) for _ in range(3)]
    assert {closed.run.run_id for closed in close_dead_runs(instance)} == set(dead)
    assert {status_of(instance, run_id) for run_id in alive} == {"STARTED"}


def test_the_sensor_closes_dead_runs_and_says_which(instance: dg.DagsterInstance, dead_process: WorkerProcess) -> None:
    run_id = a_run(instance, dead_process)
    said = [dead_runs(dg.build_sensor_context(instance)) for _ in range(2)]
    assert run_id in said[0].skip_message
    assert said[1].skip_message == "no run has died"
    assert status_of(instance, run_id) == "FAILURE"
    assert dead_runs.default_status is dg.DefaultSensorStatus.RUNNING


def test_a_waiting_run_closes_one_that_dies_meanwhile(
    instance: dg.DagsterInstance, dead_process: WorkerProcess
) -> None:
    closed = Event()
    with repeated(lambda: closed.set() if close_dead_runs(instance) else None, every=0.01):
        assert not closed.is_set()
        run_id = a_run(instance, dead_process)
        assert closed.wait(timeout=30)
    assert status_of(instance, run_id) == "FAILURE"
