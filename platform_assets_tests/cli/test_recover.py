"""`platform recover`: what it closes, what it says, and what it refuses."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from platform_assets.cli.recover import NoSuchRun, RunStillAlive, recover_runs
from resources.run_recovery.dead_runs import note_worker
from resources.run_recovery.worker_process import WorkerProcess
from resources.settings import Settings


@dg.job
def some_job() -> None:
    """A job without steps: only its run's record matters here."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    monkeypatch.setenv("PLATFORM_HOME", str(tmp_path))
    (tmp_path / "dagster").mkdir()
    return Settings(home=tmp_path)


def a_run(worker: WorkerProcess | None) -> str:
    with dg.DagsterInstance.get() as instance:
        run = instance.create_run_for_job(some_job, status=dg.DagsterRunStatus.STARTED)
        note_worker(instance, run, worker)
        return run.run_id


def status_of(run_id: str) -> str:
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        return run.status.value


def a_dead_process() -> WorkerProcess:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        worker = WorkerProcess.with_pid(child.pid)
        child.kill()
    assert worker is not None
    return worker


def test_recover_closes_the_dead_and_tells_of_the_others(settings: Settings) -> None:
    alive, dead, unknown = a_run(WorkerProcess.current()), a_run(a_dead_process()), a_run(None)
    told = recover_runs(settings, dry_run=True)
    assert [line.split(":")[0] for line in told] == ["runs", "would be closed", "left alone"]
    assert status_of(dead) == "STARTED"
    told = recover_runs(settings)
    assert [line.split(":")[0] for line in told] == ["runs", "closed", "left alone"]
    assert all(run_id in line for run_id, line in zip((alive, dead, unknown), told, strict=True))
    assert [status_of(run_id) for run_id in (alive, dead, unknown)] == ["STARTED", "FAILURE", "STARTED"]


def test_recover_closes_a_run_of_a_lost_host_only_if_it_is_named(settings: Settings) -> None:
    lost = a_run(replace(a_dead_process(), host="lost", boot="another"))
    recover_runs(settings)
    assert status_of(lost) == "STARTED"
    recover_runs(settings, run_id=lost)
    assert status_of(lost) == "FAILURE"


def test_recover_refuses_a_run_whose_process_lives_and_one_that_is_not_there(settings: Settings) -> None:
    alive = a_run(WorkerProcess.current())
    with pytest.raises(RunStillAlive, match="pid"):
        recover_runs(settings, run_id=alive)
    assert status_of(alive) == "STARTED"
    with pytest.raises(NoSuchRun, match="--dry-run"):
        recover_runs(settings, run_id="no-such-run")
