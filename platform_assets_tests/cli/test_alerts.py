"""`platform alerts` shows what became of alerts, tries again what was given up, and tests targets."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from platform_assets.cli import main
from platform_assets.domain.alerts.deliveries import deliveries, outbox_health
from platform_assets.domain.alerts.log import DEAD
from platform_assets.domain.alerts.raising import rows_to_record
from platform_assets_tests.domain.alerts.made_up import NOON, signal, to_operators
from platform_assets_tests.notifications.receivers import HttpReceiver, http_server
from resources.lakehouse.tables import Lakehouse
from resources.notifications.outbox import Outbox
from resources.settings import load_settings

Told = Callable[..., tuple[int, str]]
SECRET = "very-secret-token"


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_server() as started:
        yield started


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Told:
    """Runs the command on a platform of its own; gives the exit code and what was printed."""
    (tmp_path / "alerts.yaml").write_text('targets: [{name: channel, kind: slack, url: "{env:CHANNEL_URL}"}]\n')
    monkeypatch.setenv("PLATFORM_HOME", str(tmp_path))
    monkeypatch.setenv("PLATFORM_ALERTS_FILE", str(tmp_path / "alerts.yaml"))

    def told(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["platform", "alerts", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return int(ended.value.code or 0), shown.out + shown.err

    return told


def outbox_with_a_dead_letter() -> Outbox:
    settings = load_settings()
    outbox = Outbox(Lakehouse(settings.lake_root), settings.staging_folder)
    outbox.update(lambda log: rows_to_record(log, [signal()], NOON, to_operators))
    outbox.update(lambda log: [each.event(DEAD, NOON, error="410 gone") for each in deliveries(log).values()])
    return outbox


def test_without_alerts_the_list_is_empty_and_all_is_well(told: Told) -> None:
    code, shown = told("list", "--strict")
    assert code == 0
    assert "0 on their way; 0 given up; 0 for nobody" in shown


def test_a_dead_letter_is_listed_shown_and_tried_again(told: Told) -> None:
    outbox = outbox_with_a_dead_letter()
    code, shown = told("list", "--strict")
    assert code == 1
    assert "1 dead" in shown
    assert "alert-not-delivered.md" in shown
    (alert,) = {each.alert.alert_id for each in deliveries(outbox.events()).values()}
    code, shown = told("show", alert[:6])
    assert (code, "410 gone" in shown, "quarantine-grew.md" in shown) == (0, True, True)
    assert told("retry") == (0, "1 deliveries are due now\n")
    assert (outbox_health(outbox.events()).pending, outbox_health(outbox.events()).dead) == (1, 0)


def test_an_unknown_alert_is_told(told: Told) -> None:
    outbox_with_a_dead_letter()
    code, shown = told("show", "zzz")
    assert (code, "no alert is zzz" in shown) == (1, True)


def test_a_target_is_tested_past_the_outbox(
    told: Told, receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, shown = told("test", "channel")
    assert (code, "CHANNEL_URL is not set" in shown) == (1, True)
    monkeypatch.setenv("CHANNEL_URL", f"{receiver.url}/services/{SECRET}")
    assert told("test", "channel") == (0, "channel: taken over\n")
    assert "nothing has failed" in receiver.requests[0].body.decode()
    receiver.answer, receiver.says = 404, SECRET.encode()
    code, shown = told("test", "channel")
    assert (code, "404" in shown, SECRET in shown) == (1, True, False)


def test_a_target_that_is_not_declared_is_told_with_the_nearest(told: Told) -> None:
    code, shown = told("test", "chanel")
    assert (code, "did you mean channel?" in shown) == (1, True)
