"""A full disk loses nothing: the table stays what it was, the error says so, and with room again the same succeeds."""

import json
import shutil
import subprocess
import sys
from typing import Any

import pytest

from platform_assets_tests.lakehouse.full_disk import STEPS

MOUNT = 'mount -t tmpfs -o size=4m tmpfs "$0"'


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """By the step at which the disk got full, on a small file system that only the publisher's process sees."""
    disk, elsewhere = tmp_path_factory.mktemp("disk"), tmp_path_factory.mktemp("elsewhere")
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rm", "sh", "-c", MOUNT, disk], capture_output=True).returncode:
        pytest.skip("this machine doesn't let a test mount a small file system (unshare -rm)")
    publisher = [sys.executable, "-m", "platform_assets_tests.lakehouse.full_disk", disk, elsewhere]
    command = [unshare, "-rm", "sh", "-c", f'{MOUNT} && exec "$@"', disk, *publisher]
    told = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    return json.loads(told)


@pytest.mark.parametrize("step", STEPS)
def test_a_full_disk_is_named_and_leaves_the_table_as_it_was(outcomes: dict[str, dict[str, Any]], step: str) -> None:
    outcome = outcomes[step]
    assert "the disk is full" in outcome["told"] and "make room" in outcome["told"]
    assert outcome["table"] == "before"
    assert outcome["quarantine"] == ("after" if step == "log of the table" else "before")
    assert outcome["data files"] == 2, "what was moved and not committed is taken away"


@pytest.mark.parametrize("step", STEPS)
def test_with_room_again_the_same_publication_succeeds(outcomes: dict[str, dict[str, Any]], step: str) -> None:
    assert {name: done for name, done in outcomes[step].items() if name.startswith("then")} == {
        "then table": True,
        "then quarantine": True,
        "then change feed": True,
    }
