"""Real receivers on loopback that do what they are told: a mail server and an HTTP server."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Mailbox:
    """What a mail server got, and what it answers to addresses and to mail (None: it takes them)."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    answer_to_address: str | None = None
    answer_to_mail: str | None = None
    logins: list[tuple[str, str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(
        self, server: Server, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answer_to_address:
            return self.answer_to_address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Server, session: Session, envelope: Envelope) -> str:
        if self.answer_to_mail:
            return self.answer_to_mail
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        self.mails.append(message_from_bytes(envelope.content or b"", policy=policy.default))  # type: ignore[arg-type]
        return "250 OK"

    def authenticate(self, server: Server, session: Session, envelope: Envelope, how: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.logins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=given.password == b"right-password", handled=False)


@contextmanager
def mail_server(*, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Mailbox]:
    """A mail server; with STARTTLS or TLS it wants a login."""
    box = Mailbox(free_port())
    secured: dict[str, Any] = {"authenticator": box.authenticate, "auth_required": True}
    if starttls:
        secured |= {"tls_context": starttls, "require_starttls": True}
    if tls:
        # aiosmtpd doesn't count TLS from the first byte as secured unless it is told.
        secured |= {"ssl_context": tls, "auth_require_tls": False}
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **(secured if starttls or tls else {}))
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class HttpReceiver:
    """What an HTTP server got, and what it does with the next requests: a status, `drop`, `hang`, or a function."""

    url: str = ""
    requests: list[Received] = field(default_factory=list)
    answer: int | str = 200
    headers: dict[str, str] = field(default_factory=dict)
    says: bytes = b"ok"
    before_answering: Callable[[Received], object] = lambda received: None
    refused: int = 0
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def http_server(tls: ssl.SSLContext | None = None) -> Iterator[HttpReceiver]:
    """A server of its own port, over TLS where it has a certificate."""
    receiver = HttpReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received = Received(self.path, dict(self.headers), body)
            if receiver.answer == "drop":
                receiver.refused += 1
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if receiver.answer == "hang":
                receiver.refused += 1
                receiver.released.wait(timeout=120)
                return
            status = int(receiver.answer)
            if 200 <= status < 300:
                receiver.requests.append(received)
            else:
                receiver.refused += 1
            receiver.before_answering(received)
            with suppress(OSError):
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(receiver.says)))
                self.end_headers()
                self.wfile.write(receiver.says)

        do_GET = do_POST

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
