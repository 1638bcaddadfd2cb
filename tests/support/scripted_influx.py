"""A server on loopback that answers as a test says, and remembers what it was asked."""

import gzip
import json
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from threading import Event, Thread
from time import monotonic
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, kw_only=True)
class Request:
    """What arrived; `at` is monotonic, `port` the client's: another port is another connection."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float
    port: int

    @property
    def token(self) -> str:
        """Without its scheme."""
        return self.headers.get("Authorization", "").partition(" ")[2]

    @property
    def lines(self) -> list[bytes]:
        """Of the line protocol."""
        return gzip.decompress(self.body).removesuffix(b"\n").split(b"\n")


@dataclass(frozen=True)
class Reply:
    """A status, or one of the three below. The body is JSON unless it is text."""

    status: int = 204
    body: object = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The body as it goes out."""
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


RESET = Reply(0)
"""The request is read, then the connection is reset."""

BROKEN = Reply(-1)
"""Half a status line, then a reset."""

SILENCE = Reply(-2)
"""No answer until the server ends."""

Answer = Callable[[Request], Reply]


class ScriptedInflux(ThreadingHTTPServer):
    """Answers from `script`, then, or where the script is empty, with `answer`."""

    daemon_threads = True

    def __init__(self, tls: SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.script: list[Reply] = []
        self.answer: Answer = lambda _: Reply(204)
        self.requests: list[Request] = []
        self.ended = Event()

    @property
    def url(self) -> str:
        """For INFLUXDB_URL."""
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    @property
    def writes(self) -> list[Request]:
        """The requests that write."""
        return [request for request in self.requests if request.path == "/api/v2/write"]

    def reply_to(self, request: Request) -> Reply:
        """Remember the request and choose its reply."""
        self.requests.append(request)
        return self.script.pop(0) if self.script else self.answer(request)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ScriptedInflux

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(
            method=self.command,
            path=url.path,
            query=dict(parse_qsl(url.query)),
            headers=dict(self.headers.items()),
            body=body,
            at=monotonic(),
            port=self.client_address[1],
        )
        self._send(self.server.reply_to(request))

    do_POST = do_GET  # noqa: N815 - the name in the parent class

    def _send(self, reply: Reply) -> None:
        if reply is SILENCE:
            self.server.ended.wait()
        if reply is BROKEN:
            self.wfile.write(b"HTTP/1.1 20")
        if reply in (RESET, BROKEN, SILENCE):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(reply.status)
        for name, value in {"X-Influxdb-Version": "v2.7.12", **reply.headers}.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        if reply.status != 204:
            self.wfile.write(reply.content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parameter's name in the parent class
        pass


@contextmanager
def scripted_influx(tls: SSLContext | None = None) -> Iterator[ScriptedInflux]:
    """A running server."""
    with ScriptedInflux(tls) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()
