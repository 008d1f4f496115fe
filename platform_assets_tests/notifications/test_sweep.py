"""What is due is delivered at least once, whatever the receivers do and wherever the sweep is cut off."""

import os
import signal as signals
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from platform_assets.domain.alerts.deliveries import DEAD, LEASE, deliveries, outbox_health
from platform_assets.domain.alerts.log import DELIVERED
from platform_assets.domain.alerts.raising import rows_to_record
from platform_assets.domain.alerts.targets import EmailTarget, MailServer, Recipients, SlackTarget, WebhookTarget
from platform_assets_tests.domain.alerts.made_up import MINUTE, NOON, signal, to_operators
from platform_assets_tests.notifications.receivers import HttpReceiver, Received, free_port, http_server, mail_server
from platform_assets_tests.notifications.sweeping import to_webhook
from platform_assets_tests.stores import local_store
from resources.notifications.outbox import Outbox
from resources.notifications.sweep import Swept, sweep


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    store = local_store(tmp_path)
    return Outbox(store.lakehouse, store.staging)


def raise_alerts(outbox: Outbox, count: int = 1, *targets: str) -> None:
    some = [signal(asset=f"asset_{number}", targets=targets) for number in range(count)]
    outbox.update(lambda log: rows_to_record(log, some, NOON, to_operators))


def at(instant: datetime) -> Callable[[], datetime]:
    """A clock that stands still."""
    return lambda: instant


def states(outbox: Outbox) -> Counter[str]:
    return Counter(each.state for each in deliveries(outbox.events()).values())


def to_mail(port: int) -> Recipients:
    server = MailServer("127.0.0.1", port, "none")
    return Recipients({"operators": EmailTarget("operators", "a@example.org", ("b@example.org",), server)})


def test_an_alert_is_delivered_once_and_then_rests(outbox: Outbox, receiver: HttpReceiver) -> None:
    raise_alerts(outbox)
    assert sweep(outbox, to_webhook(receiver.url), clock=at(NOON)).delivered == 1
    assert sweep(outbox, to_webhook(receiver.url), clock=at(NOON + 60 * MINUTE)) == Swept()
    assert len(receiver.requests) == 1


def test_a_mail_server_that_is_down_for_half_an_hour_loses_nothing(outbox: Outbox) -> None:
    port, told = free_port(), 0
    for minute in range(0, 30, 2):  # down, and every other minute something else goes wrong
        now = NOON + minute * MINUTE
        new = signal(now, asset=f"asset_{minute}")
        outbox.update(lambda log, new=new, now=now: rows_to_record(log, [new], now, to_operators))  # type: ignore[misc]
        assert sweep(outbox, to_mail(port), clock=at(now)).delivered == 0
    alerts = {key[0] for key in deliveries(outbox.events())}
    assert len(alerts) == 15
    with mail_server() as box:
        for minute in range(30, 180, 6):
            told += sweep(outbox, to_mail(box.port), clock=at(NOON + minute * MINUTE)).delivered
    assert told == 15
    assert states(outbox) == {DELIVERED: len(alerts)}
    written = "".join(mail.get_body(("plain",)).get_content() for mail in box.mails)  # type: ignore[union-attr]
    assert all(alert in written for alert in alerts)


def test_a_thousand_alerts_of_one_tick_make_few_messages(outbox: Outbox, receiver: HttpReceiver) -> None:
    failed = [signal(asset=f"asset_{number % 40}", check=f"check_{number}") for number in range(1_000)]
    outbox.update(lambda log: rows_to_record(log, failed, NOON, to_operators))
    sweep(outbox, to_webhook(receiver.url), clock=at(NOON))
    assert states(outbox) == {DELIVERED: 40}
    assert len(receiver.requests) == 1
    assert sum(alert["item_count"] for alert in receiver.requests[0].document["alerts"]) == 1_000


def test_what_is_refused_for_good_is_a_dead_letter_with_the_answer(outbox: Outbox, receiver: HttpReceiver) -> None:
    raise_alerts(outbox)
    receiver.answer, receiver.says = 410, b"channel_is_archived"
    assert sweep(outbox, to_webhook(receiver.url), clock=at(NOON)).dead == 1
    assert outbox_health(outbox.events()).dead == 1
    (dead,) = deliveries(outbox.events()).values()
    assert dead.state == DEAD
    assert "channel_is_archived" in dead.error


def test_a_busy_receiver_is_left_alone_for_as_long_as_it_asks(outbox: Outbox, receiver: HttpReceiver) -> None:
    raise_alerts(outbox)
    receiver.answer, receiver.headers = 429, {"Retry-After": "600"}
    sweep(outbox, to_webhook(receiver.url), clock=at(NOON))
    receiver.answer = 200
    assert sweep(outbox, to_webhook(receiver.url), clock=at(NOON + 9 * MINUTE)) == Swept()
    assert sweep(outbox, to_webhook(receiver.url), clock=at(NOON + 10 * MINUTE)).delivered == 1


def test_a_receiver_that_hangs_holds_up_nobody_else(outbox: Outbox, receiver: HttpReceiver, closed_port: int) -> None:
    raise_alerts(outbox, 1, "operators", "hanging", "away")
    with http_server() as hanging:
        hanging.answer = "hang"
        targets = {"hanging": hanging.url, "away": f"http://127.0.0.1:{closed_port}", "operators": receiver.url}
        to_all = Recipients({name: WebhookTarget(name, url) for name, url in targets.items()})
        swept = sweep(outbox, to_all, clock=at(NOON), budget_seconds=4)
    assert (swept.delivered, swept.failed) == (1, 1)
    assert states(outbox) == {DELIVERED: 1, "pending": 1, "claimed": 1}


def test_what_outlasts_the_budget_is_left_to_the_end_of_its_claim(outbox: Outbox, receiver: HttpReceiver) -> None:
    raise_alerts(outbox)
    receiver.answer = "hang"
    assert sweep(outbox, to_webhook(receiver.url), clock=at(NOON), budget_seconds=0.2) == Swept()
    receiver.answer = 200
    assert sweep(outbox, to_webhook(receiver.url), clock=at(NOON + LEASE / 2)) == Swept()
    assert sweep(outbox, to_webhook(receiver.url), clock=at(NOON + LEASE)).delivered == 1


def test_a_target_without_its_variable_or_its_declaration_waits_and_says_so(outbox: Outbox) -> None:
    raise_alerts(outbox, 1, "channel", "gone")
    recipients = Recipients({"channel": SlackTarget("channel", "{env:NO_SUCH_URL}")})
    swept = sweep(outbox, recipients, clock=at(NOON), environment={})
    assert swept.failed == 2
    assert "NO_SUCH_URL" in str(swept)
    assert "gone" in str(swept)


def test_no_secret_and_no_address_reaches_the_table(outbox: Outbox, receiver: HttpReceiver) -> None:
    raise_alerts(outbox, 1, "channel", "pager")
    token, secret = "very-secret-token", "s3cr3t-of-the-pager"
    receiver.answer, receiver.says = 404, f"{token} {secret}".encode()
    recipients = Recipients(
        {
            "channel": SlackTarget("channel", "{env:CHANNEL}"),
            "pager": WebhookTarget("pager", f"{receiver.url}/hook", "{env:SECRET}"),
        }
    )
    environment = {"CHANNEL": f"{receiver.url}/services/{token}", "SECRET": secret}
    swept = sweep(outbox, recipients, clock=at(NOON), environment=environment)
    assert swept.failed == 2
    told = {
        name: "".join(repr(event) for event in outbox.events() if event.recipient == name)
        + "".join(error for error in swept.errors if error.startswith(name))
        for name in ("channel", "pager")
    }
    assert "404" in told["channel"] and "404" in told["pager"]
    assert token not in told["channel"]
    assert secret not in told["pager"]


@pytest.mark.parametrize("moment", ["while it is sent", "before it is written down"])
def test_a_sweep_that_is_killed_loses_no_alert(outbox: Outbox, receiver: HttpReceiver, moment: str) -> None:
    raise_alerts(outbox, 2)
    started: list[subprocess.Popen[bytes]] = []

    def kill(got: Received) -> None:
        if moment == "while it is sent" or len(receiver.requests) == 2:
            os.kill(started[0].pid, signals.SIGKILL)

    receiver.before_answering = kill
    place = [outbox.lakehouse.root, str(outbox.staging_folder), receiver.url, NOON.isoformat()]
    started.append(subprocess.Popen([sys.executable, "-m", "platform_assets_tests.notifications.sweeping", *place]))
    assert started[0].wait(timeout=60) == -signals.SIGKILL
    assert states(outbox)["claimed"] == 2
    receiver.before_answering = lambda got: None
    assert sweep(outbox, to_webhook(receiver.url), clock=at(NOON + LEASE)).delivered == 2
    got = Counter(request.document["message_id"] for request in receiver.requests)
    assert len(got) == 2
    assert max(got.values()) == 2, "what was sent again has the id by which the receiver knows it"
