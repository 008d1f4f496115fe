"""Mail reaches a real server over verified TLS or not at all, and its answers are understood."""

import socket
import threading
from typing import Any

import pytest

from platform_assets_tests.domain.alerts.made_up import message, signal
from platform_assets_tests.notifications.conftest import Authority
from platform_assets_tests.notifications.receivers import Mailbox, mail_server
from resources.notifications.channel import NotDelivered
from resources.notifications.mail import Mail

# The test server speaks TLS from the first byte, which it does not count as TLS.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

ADDRESS, PASSWORD = "team@example.org", "right-password"


def mail(port: int, security: str = "none", **given: Any) -> Mail:
    return Mail("127.0.0.1", port, security, "platform@example.org", ADDRESS, timeout=30.0, **given)


def logged_in(port: int, security: str, authority: Authority, password: str = PASSWORD) -> Mail:
    return mail(port, security, user="platform", password=password, authorities=authority.file)


def refusal(sent: Mail) -> NotDelivered:
    with pytest.raises(NotDelivered) as caught:
        sent.send(message())
    return caught.value


def test_a_mail_arrives_with_text_and_html_and_an_id_to_know_it_by() -> None:
    with mail_server() as box:
        mail(box.port).send(message(signal(what="<b>12 %</b> – naïve\r\nBcc: x@example.org")))
    (got,) = box.mails
    assert got["To"] == ADDRESS
    assert got["Bcc"] is None
    # The standard library moves a blank when it folds a header that is not ASCII.
    assert "events(2026-03-01):quarantine_share:<b>12%</b>–naïve" in "".join(got["Subject"].split())
    assert got["X-Platform-Message-Id"] in str(got["Message-ID"])
    text, html = got.get_body(("plain",)), got.get_body(("html",))
    assert text is not None and html is not None
    assert "docs/runbooks/quarantine-grew.md" in text.get_content()
    assert "&lt;b&gt;12 %" in html.get_content()


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_over_verified_tls_with_a_login(authority: Authority, security: str) -> None:
    with mail_server(**{security: authority.server()}) as box:
        logged_in(box.port, security, authority).send(message())
    assert box.encrypted == [True]
    assert box.logins == [("platform", PASSWORD)]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_told(
    authority: Authority, security: str
) -> None:
    with mail_server(**{security: authority.server()}) as box:
        refused = refusal(mail(box.port, security, user="platform", password=PASSWORD))
    assert "certificate" in refused.what.lower()
    assert (box.mails, box.logins, refused.permanent) == ([], [], False)


def test_a_certificate_of_another_server_is_refused(authority: Authority) -> None:
    with mail_server(starttls=authority.server("mail.example.org")) as box:
        refused = refusal(logged_in(box.port, "starttls", authority))
    assert "certificate" in refused.what.lower()
    assert box.logins == []


def test_without_starttls_nothing_is_sent_in_clear_text(authority: Authority) -> None:
    with mail_server() as box:
        refused = refusal(logged_in(box.port, "starttls", authority))
    assert "STARTTLS" in refused.what
    assert (box.mails, box.logins) == ([], [])


def test_a_wrong_password_is_mended_here_so_the_mail_is_tried_again(authority: Authority) -> None:
    with mail_server(starttls=authority.server()) as box:
        refused = refusal(logged_in(box.port, "starttls", authority, password="hunter2-hunter2"))
    assert not refused.permanent
    assert "535" in refused.what
    assert "hunter2" not in str(refused)


@pytest.mark.parametrize(
    ("answers", "permanent"),
    [
        ({"answer_to_address": "450 4.2.1 greylisted, try later"}, False),
        ({"answer_to_address": "550 5.1.1 no such mailbox"}, True),
        ({"answer_to_mail": "451 4.3.0 disk full"}, False),
        ({"answer_to_mail": "554 5.7.1 looks like spam"}, True),
    ],
)
def test_a_refusal_for_now_is_told_from_one_for_good(answers: dict[str, str], permanent: bool) -> None:
    with mail_server() as box:
        for name, answer in answers.items():
            setattr(box, name, answer)
        refused = refusal(mail(box.port))
    assert refused.permanent is permanent
    assert next(iter(answers.values())).split(" ", 2)[2] in refused.what
    assert ADDRESS not in refused.what


def test_a_server_that_is_away_is_tried_again(closed_port: int) -> None:
    refused = refusal(mail(closed_port))
    assert not refused.permanent
    assert "refused" in refused.what.lower()


def test_a_server_that_says_nothing_is_given_up_after_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        refused = refusal(Mail("127.0.0.1", silent.getsockname()[1], "none", "a@b.c", ADDRESS, timeout=0.2))
    assert not refused.permanent
    assert "timed out" in refused.what


def test_a_connection_that_drops_in_the_middle_of_a_mail_is_tried_again() -> None:
    def greet_and_drop(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"220 hello\r\n")
            connection.recv(100)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=greet_and_drop, args=(server,), daemon=True)
        thread.start()
        refused = refusal(mail(server.getsockname()[1]))
        thread.join(timeout=5)
    assert not refused.permanent


def test_a_password_is_never_shown() -> None:
    assert PASSWORD not in repr(mail(25, user="platform", password=PASSWORD))


def test_an_accepted_mail_counts_although_the_farewell_fails() -> None:
    class Abrupt(Mailbox):
        async def handle_QUIT(self, server: Any, session: Any, envelope: Any) -> str:
            return "421 too busy for farewells"

    with mail_server() as box:
        box.__class__ = Abrupt
        mail(box.port).send(message())
    assert len(box.mails) == 1
