"""Webhooks are posted to a real server, signed, and its answers are understood; secrets stay with us."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from platform_assets_tests.domain.alerts.made_up import message
from platform_assets_tests.notifications.conftest import Authority
from platform_assets_tests.notifications.receivers import HttpReceiver, http_server
from resources.notifications.channel import NotDelivered
from resources.notifications.webhooks import ID_HEADER, SIGNATURE_HEADER, SlackChannel, Webhook

SECRET = "s3cr3t-of-the-pager"


def refusal(channel: SlackChannel | Webhook) -> NotDelivered:
    with pytest.raises(NotDelivered) as caught:
        channel.send(message())
    return caught.value


def test_a_document_arrives_with_an_id_and_a_signature_that_can_be_checked(receiver: HttpReceiver) -> None:
    Webhook(f"{receiver.url}/hook", SECRET).send(message())
    (got,) = receiver.requests
    assert got.document["alerts"][0]["subject"] == "events"
    assert got.headers[ID_HEADER] == got.document["message_id"] == message().message_id
    sent_at, signed = (part.split("=")[1] for part in got.headers[SIGNATURE_HEADER].split(","))
    assert abs(int(sent_at) - datetime.now(UTC).timestamp()) < 60
    assert signed == hmac.new(SECRET.encode(), f"{sent_at}.".encode() + got.body, hashlib.sha256).hexdigest()


def test_slack_gets_blocks_and_a_text(receiver: HttpReceiver) -> None:
    SlackChannel(f"{receiver.url}/services/T1/B2/token").send(message())
    (got,) = receiver.requests
    assert got.path == "/services/T1/B2/token"
    assert set(got.document) == {"text", "blocks"}
    assert got.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(("status", "permanent"), [(400, True), (410, True), (404, False), (403, False), (500, False)])
def test_an_answer_is_told_with_what_the_receiver_says(receiver: HttpReceiver, status: int, permanent: bool) -> None:
    receiver.answer, receiver.says = status, b"channel_is_archived"
    refused = refusal(Webhook(receiver.url))
    assert refused.permanent is permanent
    assert f"{status}" in refused.what
    assert "channel_is_archived" in refused.what


def test_a_receiver_that_is_busy_says_when_to_come_back(receiver: HttpReceiver) -> None:
    receiver.answer, receiver.headers = 429, {"Retry-After": "90"}
    assert refusal(Webhook(receiver.url)).retry_after == timedelta(seconds=90)
    receiver.headers = {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)}
    asked = refusal(Webhook(receiver.url)).retry_after
    assert asked is not None and timedelta(minutes=4) < asked <= timedelta(minutes=5)
    receiver.headers = {"Retry-After": "soon"}
    assert refusal(Webhook(receiver.url)).retry_after is None


def test_a_redirect_is_not_followed(receiver: HttpReceiver) -> None:
    receiver.answer, receiver.headers = 302, {"Location": f"{receiver.url}/elsewhere"}
    refused = refusal(Webhook(f"{receiver.url}/hook", SECRET))
    assert "302" in refused.what
    assert receiver.refused == 1


@pytest.mark.parametrize(("answer", "timeout"), [("drop", 30.0), ("hang", 1.0)])
def test_a_receiver_that_drops_or_hangs_is_tried_again(receiver: HttpReceiver, answer: str, timeout: float) -> None:
    receiver.answer = answer
    refused = refusal(Webhook(receiver.url, timeout=timeout))
    assert not refused.permanent
    assert receiver.refused == 1


def test_only_a_receiver_whose_certificate_is_vouched_for_gets_anything(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_server(authority.server("localhost")) as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        assert "certificate" in refusal(Webhook(url)).what.lower()
        monkeypatch.setenv("SSL_CERT_FILE", authority.file)
        Webhook(url).send(message())
        assert "certificate" in refusal(Webhook(receiver.url)).what.lower(), "the name is not the certificate's"
    assert len(receiver.requests) == 1


def test_a_receiver_that_is_away_is_tried_again(closed_port: int) -> None:
    assert not refusal(Webhook(f"http://127.0.0.1:{closed_port}")).permanent


def test_no_secret_is_told_although_the_receiver_repeats_it(receiver: HttpReceiver) -> None:
    url = f"{receiver.url}/services/T1/B2/very-secret-token"
    receiver.answer, receiver.says = 404, f"no_service {url} very-secret-token {SECRET}".encode()
    for channel in (SlackChannel(url), Webhook(url, SECRET)):
        told = str(refusal(channel)) + repr(channel)
        assert SECRET not in told or isinstance(channel, SlackChannel)
        assert url not in told
    assert "very-secret-token" not in str(refusal(SlackChannel(url)))


def test_an_address_that_is_none_is_told_without_it() -> None:
    refused = refusal(SlackChannel("not an address at all/very-secret"))
    assert "very-secret" not in str(refused)
