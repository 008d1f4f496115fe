"""An HTTP proxy on loopback that loses, delays or refuses the requests it is told to; in a process of its own.

It stands between a client and an S3 server. `Fault` says which request suffers and how; the proxy counts requests
from the moment the faults are set and notes each one, so that a test can ask which requests there were.
"""

import asyncio
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Literal

CONTROL = "/-/faults"

How = Literal["drop", "drop_reply", "refuse", "refuse_reply", "hold", "down"]
"""drop: cut before the server hears of it. drop_reply: the server acts, its answer is lost. refuse, refuse_reply: the
same with an answer of `status`. hold: the server hears of it `seconds` later. down: nobody is there for `seconds`."""


@dataclass(frozen=True)
class Fault:
    """The requests `first` to `first + times - 1` of those that match suffer `how`."""

    method: str
    path: str
    how: How
    first: int = 1
    times: int = 1
    status: int = 503
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.how}"


@dataclass(frozen=True)
class FaultProxy:
    """A running proxy, seen from the test."""

    endpoint: str

    def set(self, *faults: Fault) -> None:
        """Forget former faults and counts; these hold from now on."""
        body = json.dumps([asdict(fault) for fault in faults]).encode()
        urllib.request.urlopen(urllib.request.Request(self.endpoint + CONTROL, body, method="PUT"), timeout=30).close()

    def requests(self) -> list[tuple[str, str, bool]]:
        """Method, path, and whether a fault struck, of every request since `set`."""
        with urllib.request.urlopen(self.endpoint + CONTROL, timeout=30) as reply:
            return [tuple(entry) for entry in json.load(reply)]

    def struck(self) -> int:
        """How many requests suffered a fault."""
        return sum(hit for *_, hit in self.requests())


@contextmanager
def running(upstream: str) -> Iterator[FaultProxy]:
    """A proxy in front of `upstream`, an http:// address."""
    process = subprocess.Popen([sys.executable, __file__, upstream], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield FaultProxy(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.kill()  # a shell in the background may have made it ignore every kinder signal
        process.wait(timeout=10)


class _Proxy:
    def __init__(self, upstream: str) -> None:
        host, port = upstream.split("://", 1)[1].rsplit(":", 1)
        self.upstream = (host, int(port))
        self.faults: list[Fault] = []
        self.seen: list[int] = []
        self.log: list[tuple[str, str, bool]] = []
        self.port = 0
        self.server: asyncio.Server | None = None

    async def listen(self) -> None:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port, backlog=512)
        self.port = self.server.sockets[0].getsockname()[1]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head, body = await _request(reader, writer)
            method, path = head.split(b" ", 2)[0].decode(), head.split(b" ", 2)[1].decode()
            if path == CONTROL:
                writer.write(self._control(method, body))
            else:
                writer.write(await self._answer(method, path, head, body))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _control(self, method: str, body: bytes) -> bytes:
        if method == "PUT":
            self.faults = [Fault(**entry) for entry in json.loads(body)]
            self.seen, self.log = [0] * len(self.faults), []
            return _reply(200, b"")
        return _reply(200, json.dumps(self.log).encode())

    async def _answer(self, method: str, path: str, head: bytes, body: bytes) -> bytes:
        fault = self._fault_of(method, path)
        self.log.append((method, path, fault is not None))
        if fault is None:
            return await self._forward(head, body)
        match fault.how:
            case "drop":
                return b""
            case "refuse":
                return _reply(fault.status, _error(fault.status))
            case "hold":
                await asyncio.sleep(fault.seconds)
                return await self._forward(head, body)
            case "down":
                await self._be_down(fault.seconds)
                return b""
        await self._forward(head, body)
        return _reply(fault.status, _error(fault.status)) if fault.how == "refuse_reply" else b""

    def _fault_of(self, method: str, path: str) -> Fault | None:
        struck = None
        for number, fault in enumerate(self.faults):
            if method == fault.method and re.search(fault.path, path):
                self.seen[number] += 1
                if fault.first <= self.seen[number] < fault.first + fault.times:
                    struck = struck or fault
        return struck

    async def _be_down(self, seconds: float) -> None:
        assert self.server is not None
        self.server.close()

        async def come_back() -> None:
            await asyncio.sleep(seconds)
            await self.listen()

        self._returning = asyncio.ensure_future(come_back())

    async def _forward(self, head: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(*self.upstream)
        try:
            writer.write(_without(head, b"connection", b"expect", b"transfer-encoding", b"content-length"))
            writer.write(b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
            return await reader.read(-1)
        finally:
            writer.close()


async def _request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    if re.search(rb"(?i)\r\nexpect: *100-continue", head):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head):
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return head, body
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return head, await reader.readexactly(int(length[1])) if length else b""


def _without(head: bytes, *names: bytes) -> bytes:
    first, *lines = head.strip().split(b"\r\n")
    kept = [line for line in lines if line.split(b":", 1)[0].lower() not in names]
    return b"".join(line + b"\r\n" for line in [first, *kept])


def _reply(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d Fault\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body)) + body


def _error(status: int) -> bytes:
    code = "SlowDown" if status == 503 else "InternalError"
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>planted</Message></Error>".encode()


async def _main(upstream: str) -> None:
    proxy = _Proxy(upstream)
    await proxy.listen()
    print(proxy.port, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
