"""A live daemon is killed between an alert and its delivery: the alert arrives all the same, and data never waits."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from platform_assets_tests.notifications.receivers import http_server
from platform_assets_tests.run_recovery.dagster_dev import ROOT, DagsterDev
from resources.lakehouse.tables import Lakehouse
from resources.notifications.outbox import Outbox

MODULE = "platform_assets_tests.automation.alerting_location"
PATIENCE_SECONDS = 480


@pytest.mark.long
def test_an_alert_survives_kill_9_of_everything_while_its_receiver_is_away(tmp_path: Path) -> None:
    outbox = Outbox(Lakehouse(str(tmp_path / "lake")), tmp_path / "staging")
    (tmp_path / "dagster").mkdir()
    shutil.copy(ROOT / "dagster.yaml", tmp_path / "dagster")
    with http_server() as receiver:
        receiver.answer = 503
        started = DagsterDev(tmp_path, MODULE, ALERTS_HOME=str(tmp_path), ALERTS_URL=receiver.url)
        try:
            until(lambda: ticked(tmp_path), "the sensors have ticked")
            run = started.launch("sales")
            until(lambda: succeeded(tmp_path, run), "the run succeeds although nobody can be told")
            until(lambda: receiver.refused, "a delivery is tried")
        finally:
            started.kill()
        assert "raised" in {event.event for event in outbox.events()}
        receiver.answer = 200
        again = DagsterDev(tmp_path, MODULE, ALERTS_HOME=str(tmp_path), ALERTS_URL=receiver.url)
        try:
            until(lambda: receiver.requests, "the alert arrives")
        finally:
            again.kill()
    assert receiver.requests[0].document["alerts"][0]["subject"] == "sales"
    assert receiver.requests[0].document["alerts"][0]["owner"] == "team:shop"


def ticked(home: Path) -> bool:
    """Whether `alerts` has begun to look: what is older than its first tick is nobody's alert."""
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        states = instance.all_instigator_state()
        return any(
            state.name == "alerts" and state.instigator_data and state.instigator_data.cursor for state in states
        )


def succeeded(home: Path, run: str) -> bool:
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        found = instance.get_run_by_id(run)
        return found is not None and found.is_success


def until(what: Callable[[], object], said: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not what():
        if time.monotonic() > end:
            raise TimeoutError(f"{said}: not within {PATIENCE_SECONDS} s")
        time.sleep(1)
