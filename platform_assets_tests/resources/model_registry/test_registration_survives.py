"""A registration that is killed, raced, or meets a full disk leaves the champion alone; once more, it is done once."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

MOUNT = 'mount -t tmpfs -o size=3m tmpfs "$0"'
FULL = ("full files", "full files and store")
BEFORE = {"versions": [1], "champion": 1, "challenger": 1, "decisions": [["promoted", 1]]}
REGISTERED = {**BEFORE, "versions": [1, 2], "challenger": 2}
JUDGED = {**REGISTERED, "champion": 2, "decisions": [["promoted", 1], ["promoted", 2]]}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, mlflow_template: Path) -> dict[str, Any]:
    """All tries in one process and its forks; with a small file system of their own, where that can be mounted."""
    folder, disk = tmp_path_factory.mktemp("registering"), tmp_path_factory.mktemp("disk")
    shutil.copy(mlflow_template, folder / "empty.db")
    command = [sys.executable, "-m", "platform_assets_tests.resources.model_registry.registering", folder]
    unshare = shutil.which("unshare")
    if unshare and not subprocess.run([unshare, "-rm", "sh", "-c", MOUNT, disk], capture_output=True).returncode:
        command = [unshare, "-rm", "sh", "-c", f'{MOUNT} && exec "$@"', disk, *command, disk]
    told = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    return json.loads(told)


def test_a_registration_killed_before_any_of_its_writes_registers_once_when_it_is_run_again(
    outcomes: dict[str, Any],
) -> None:
    tries = outcomes["registering"]
    assert len(tries) >= 9, "run, figures, documents, files, version and alias are writes of their own"
    assert all(each["left"] in (BEFORE, {**BEFORE, "versions": [1, 2]}) for each in tries)
    assert [each["then"] for each in tries] == [REGISTERED] * len(tries)


def test_a_verdict_killed_before_any_of_its_writes_is_recorded_once_when_it_is_run_again(
    outcomes: dict[str, Any],
) -> None:
    tries = outcomes["judging"]
    assert len(tries) >= 4, "verdict, decision, whom it replaced and alias are writes of their own"
    assert all(each["left"]["champion"] == 1 for each in tries), "the alias moves last"
    assert [each["then"] for each in tries] == [JUDGED] * len(tries)


def test_two_retrains_at_once_register_one_version_and_both_are_told_it(outcomes: dict[str, Any]) -> None:
    for race in outcomes["races"]:
        told = race.pop("told")
        assert told == [2, 2]
        assert race == REGISTERED


@pytest.mark.parametrize("disk", FULL)
def test_a_full_disk_is_named_within_seconds_and_with_room_again_the_same_succeeds(
    outcomes: dict[str, Any], disk: str
) -> None:
    if disk not in outcomes:
        pytest.skip("this machine doesn't let a test mount a small file system (unshare -rm)")
    outcome = outcomes[disk]
    assert outcome["told"].startswith("DiskFull:") and "make room" in outcome["told"]
    assert "champion and challenger are what they were" in outcome["told"]
    assert outcome["seconds"] < 20
    assert outcome["left"] == BEFORE
    assert outcome["then"] == REGISTERED
