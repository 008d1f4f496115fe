"""Whether a process still exists, asked of real processes."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from resources.run_recovery import worker_process
from resources.run_recovery.worker_process import ProcessState, WorkerProcess

RUNNING, GONE, OUT_OF_SIGHT = ProcessState.RUNNING, ProcessState.GONE, ProcessState.OUT_OF_SIGHT


@pytest.fixture
def child() -> Iterator[subprocess.Popen]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        yield child
        child.kill()


@pytest.fixture
def worker(child: subprocess.Popen) -> WorkerProcess:
    found = WorkerProcess.with_pid(child.pid)
    assert found is not None
    return found


def test_a_process_runs_until_it_is_killed(child: subprocess.Popen, worker: WorkerProcess) -> None:
    assert worker.state() is RUNNING
    child.kill()
    child.wait()
    assert worker.state() is GONE
    assert WorkerProcess.with_pid(child.pid) is None


def test_a_killed_process_that_nobody_has_buried_is_gone(child: subprocess.Popen, worker: WorkerProcess) -> None:
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert worker.state() is GONE


def test_a_stopped_process_runs(child: subprocess.Popen, worker: WorkerProcess) -> None:
    child.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
    assert worker.state() is RUNNING


def test_a_pid_that_was_given_to_another_process_proves_nothing(worker: WorkerProcess) -> None:
    assert replace(worker, started="1").state() is GONE


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"boot": "the boot before"}, GONE),
        ({"boot": "of another machine", "host": "elsewhere"}, OUT_OF_SIGHT),
        ({"boot": "of another machine", "machine": "another with the same name"}, OUT_OF_SIGHT),
        ({"namespace": "pid:[1]"}, OUT_OF_SIGHT),
        ({"namespace": "pid:[1]", "pid": 999_999_999}, OUT_OF_SIGHT),
        ({"host": "renamed meanwhile"}, RUNNING),
    ],
)
def test_what_is_said_of_processes_of_other_boots_machines_and_containers(
    worker: WorkerProcess, changed: dict, state: ProcessState
) -> None:
    assert replace(worker, **changed).state() is state


def test_without_an_id_of_the_machine_another_boot_may_be_another_machine(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "_machine", lambda: "")
    assert replace(worker, boot="another", machine="").state() is OUT_OF_SIGHT


@pytest.mark.skipif(shutil.which("ps") is None, reason="there is no ps")
def test_ps_tells_the_same_start_again_where_there_is_no_proc(child: subprocess.Popen) -> None:
    first = worker_process._start_by_ps(child.pid)
    assert first and worker_process._start_by_ps(child.pid) == first
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert worker_process._start_by_ps(child.pid) is None
    child.wait()
    assert worker_process._start_by_ps(child.pid) is None
