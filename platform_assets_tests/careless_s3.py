"""An S3 server that keeps its objects in memory and gets conditional writes wrong in the way it is told to.

`ignores`: overwrites as if nothing had been asked. `checks_first`: looks whether the object is there, and writes a
moment later. `not_implemented`: answers 501. It knows no more of S3 than the race needs, and runs in a process of its
own.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

MOMENT = 0.05


@contextmanager
def running(manner: str) -> Iterator[str]:
    """The address of a server of this manner."""
    process = subprocess.Popen([sys.executable, __file__, manner], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()  # a shell in the background may have made it ignore every kinder signal
        process.wait(timeout=10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    manner = ""
    objects: dict[str, bytes] = {}  # noqa: RUF012 - one store for all requests

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("If-None-Match") and self.manner != "ignores":
            if self.manner == "not_implemented":
                return self._say(501, _error("NotImplemented"))
            if self.path in self.objects:
                return self._say(412, _error("PreconditionFailed"))
            time.sleep(MOMENT)
        self.objects[unquote(self.path)] = body
        return self._say(200, b"")

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.query:
            return self._list(unquote(address.path).strip("/"), parse_qs(address.query))
        body = self.objects.get(unquote(address.path))
        return self._say(404, _error("NoSuchKey")) if body is None else self._say(200, body)

    do_HEAD = do_GET

    def do_DELETE(self) -> None:
        self.objects.pop(unquote(self.path), None)
        self._say(204, b"")

    def _list(self, bucket: str, query: dict[str, list[str]]) -> None:
        prefix, after = query.get("prefix", [""])[0], query.get("start-after", [""])[0]
        names = sorted(path.removeprefix(f"/{bucket}/") for path in self.objects)
        found = "".join(
            f"<Contents><Key>{escape(name)}</Key><Size>{len(self.objects[f'/{bucket}/{name}'])}</Size>"
            f"<LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>e</ETag></Contents>"
            for name in names
            if name.startswith(prefix) and name > after
        )
        self._say(200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{found}</ListBucketResult>".encode())

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", "e")
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


if __name__ == "__main__":
    _Handler.manner = sys.argv[1]
    server = _Server(("127.0.0.1", 0), _Handler)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever).run()
