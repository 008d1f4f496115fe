"""kill -9 of everything at once: on the command line here, of `dagster dev` in the long form."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from platform_assets_tests.run_recovery.dagster_dev import (
    MODULE,
    PATIENCE_SECONDS,
    ROOT,
    DagsterDev,
    environment,
    wait_for,
)
from resources.lakehouse.tables import Lakehouse
from resources.run_recovery.dead_runs import close_dead_runs

KILLS = 10
MATERIALIZE = [sys.executable, "-m", "dagster", "asset", "materialize", "-m", MODULE, "--select", "held"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "dagster").mkdir()
    shutil.copy(ROOT / "dagster.yaml", tmp_path / "dagster")
    (tmp_path / "hold").touch()
    return tmp_path


@pytest.fixture
def instance(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    with dg.DagsterInstance.get() as instance:
        yield instance


def in_its_step(instance: dg.DagsterInstance) -> str | None:
    """Id of the newest run that is in the step of `held` and therefore holds the table's pool."""
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        if any(entry.user_message == "in the step" for entry in instance.all_logs(run.run_id)):
            return run.run_id
    return None


def said_at_the_end(instance: dg.DagsterInstance, run_id: str) -> str:
    (failure,) = instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    return failure.message


def rows(home: Path) -> list[str]:
    return Lakehouse(str(home / "lake")).snapshot("held").delta.to_pyarrow_table()["run"].to_pylist()


def test_after_a_killed_command_the_next_one_closes_its_run_and_publishes(
    home: Path, instance: dg.DagsterInstance
) -> None:
    killed = subprocess.Popen(MATERIALIZE, cwd=ROOT, env=environment(home), start_new_session=True)
    dead = wait_for(lambda: in_its_step(instance), "the step begins")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    (home / "hold").unlink()
    subprocess.run(MATERIALIZE, cwd=ROOT, env=environment(home), check=True, timeout=PATIENCE_SECONDS)
    assert "died" in said_at_the_end(instance, dead)
    (published,) = rows(home)
    assert published != dead


@pytest.mark.long
def test_whenever_a_command_is_killed_the_next_one_gets_through(home: Path, instance: dg.DagsterInstance) -> None:
    instants = random.Random(28)
    for number in range(KILLS):
        known = {run.run_id for run in instance.get_runs()}
        killed = subprocess.Popen(MATERIALIZE, cwd=ROOT, env=environment(home), start_new_session=True)
        new = wait_for(lambda known=known: {run.run_id for run in instance.get_runs()} - known, "the run exists")
        if number % 2:
            wait_for(lambda new=new: in_its_step(instance) in new, "the step begins")
        time.sleep(instants.random())
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
    (home / "hold").unlink()
    subprocess.run(MATERIALIZE, cwd=ROOT, env=environment(home), check=True, timeout=PATIENCE_SECONDS)
    ends = Counter(run.status.value for run in instance.get_runs())
    assert ends["SUCCESS"] == 1
    assert ends["FAILURE"] >= KILLS // 2
    assert ends.total() - ends["NOT_STARTED"] == ends["SUCCESS"] + ends["FAILURE"]
    assert instance.event_log_storage.get_concurrency_info("write_held").active_run_ids == set()
    assert len(rows(home)) == 1


@pytest.mark.long
@pytest.mark.parametrize("closed_by", ["the sensor", "platform recover"])
def test_after_a_killed_dagster_dev_the_run_is_closed_and_tried_again_once(
    home: Path, instance: dg.DagsterInstance, closed_by: str
) -> None:
    first = DagsterDev(home)
    dead = first.launch()
    try:
        assert wait_for(lambda: in_its_step(instance), "the step begins") == dead
    finally:
        first.kill()
    assert instance.event_log_storage.get_concurrency_info("write_held").active_run_ids == {dead}
    (home / "hold").unlink()
    if closed_by == "platform recover":
        assert [closed.run.run_id for closed in close_dead_runs(instance)] == [dead]
    second = DagsterDev(home)
    try:
        retried = wait_for(lambda: retry_of(instance, dead), "the retry succeeds")
        assert "died" in said_at_the_end(instance, dead)
        assert rows(home) == [retried]
        by_hand = second.launch()
        wait_for(lambda: succeeded(instance, by_hand), "the next materialisation succeeds")
    finally:
        second.kill()
    _, group = instance.get_run_group(dead) or ("", [])
    assert {run.run_id for run in group} == {dead, retried}
    assert rows(home) == [by_hand]


def retry_of(instance: dg.DagsterInstance, run_id: str) -> str | None:
    """Id of a run that did again, with success, what another was to do."""
    _, group = instance.get_run_group(run_id) or ("", [])
    return next((run.run_id for run in group if run.run_id != run_id and run.is_success), None)


def succeeded(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is not None and run.is_success
