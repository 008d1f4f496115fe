"""Receivers, a certificate authority of this test run, and an outbox with something in it."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from platform_assets_tests.notifications.receivers import HttpReceiver, http_server


@dataclass(frozen=True)
class Authority:
    """A certificate authority: its file, and contexts of servers with a certificate from it."""

    made: trustme.CA
    file: str

    def server(self, name: str = "127.0.0.1") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.made.issue_cert(name).configure_cert(context)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made, file = trustme.CA(), tmp_path_factory.mktemp("authority") / "ca.pem"
    made.cert_pem.write_to_path(str(file))
    return Authority(made, str(file))


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with http_server() as started:
        yield started


@pytest.fixture
def closed_port(tmp_path: Path) -> int:
    from platform_assets_tests.notifications.receivers import free_port

    return free_port()
