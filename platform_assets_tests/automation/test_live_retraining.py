"""A live `dagster dev` trains what was decided, also when all of it is killed while the model is being fitted."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from platform_assets.automation.retrain_runs import DECISION_TAG, decision_name
from platform_assets_tests.run_recovery.dagster_dev import ROOT, DagsterDev, wait_for
from platform_assets_tests.self_training import TRAINABLE, tell_what_has_landed

MODULE = "platform_assets_tests.automation.held_training"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "dagster").mkdir()
    shutil.copy(ROOT / "dagster.yaml", tmp_path / "dagster")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    return tmp_path


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as instance:
        yield instance


def statuses(instance: dg.DagsterInstance) -> list[str]:
    """The states of the runs for the decision, oldest first."""
    wanted = dg.RunsFilter(tags={DECISION_TAG: decision_name("conversion", TRAINABLE)})
    return [run.status.value for run in reversed(instance.get_runs(wanted))]


@pytest.mark.long
def test_a_decided_training_survives_the_death_of_daemon_and_run(home: Path, instance: dg.DagsterInstance) -> None:
    from platform_assets_tests.automation.held_training import training_in

    training = training_in(home, instance)
    tell_what_has_landed(instance)
    training.begin()
    assert training.decide(TRAINABLE)["retrain"]
    (home / "hold").touch()

    first = DagsterDev(home, MODULE)
    try:
        wait_for(lambda: (home / "begun").exists(), "the model is being fitted")
    finally:
        first.kill()
    assert statuses(instance) == ["STARTED"]
    (home / "hold").unlink()

    second = DagsterDev(home, MODULE)
    try:
        wait_for(lambda: "SUCCESS" in statuses(instance), "the next attempt succeeds")
    finally:
        second.kill()
    assert statuses(instance) == ["FAILURE", "SUCCESS"]
    registry = training.resource.registry
    assert [version.training_date for version in registry.versions("conversion")] == [TRAINABLE]
    assert registry.require_champion("conversion").version == 1
    assert training.tick() == ([], "no decided training waits for a run")
