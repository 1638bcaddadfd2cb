"""A server on loopback that replies as a test scripts it, and records the requests."""

import gzip
import json
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from threading import Event
from time import monotonic
from urllib.parse import parse_qsl, urlsplit

from tests.support.serving import serve_in_thread


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request that arrived at the monotonic time `at`. `port` is the client's: it differs between connections."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float
    port: int

    @property
    def token(self) -> str:
        """The token in the header Authorization, without its scheme."""
        return self.headers.get("Authorization", "").partition(" ")[2]

    @property
    def lines(self) -> list[bytes]:
        """The lines of the compressed body."""
        return gzip.decompress(self.body).removesuffix(b"\n").split(b"\n")


@dataclass(frozen=True)
class Reply:
    """A status with a body, which is sent as JSON unless it is text. RESET, BROKEN and SILENCE are no HTTP replies.

    With a `pause_s`, that many seconds pass before each byte of the reply.
    """

    status: int = 204
    body: object = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    pause_s: float = 0

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


RESET = Reply(0)
"""Read the request, then reset the connection."""

BROKEN = Reply(-1)
"""Send half a status line, then reset the connection."""

SILENCE = Reply(-2)
"""Send nothing until the server stops."""

Responder = Callable[[Request], Reply]


class ScriptedInflux(ThreadingHTTPServer):
    """A server that replies with the next of `script`, or with the result of `fallback` when the script is used up."""

    daemon_threads = True

    def __init__(self, tls: SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.script: list[Reply] = []
        self.fallback: Responder = lambda _: Reply(204)
        self.requests: list[Request] = []
        self.stopping = Event()

    @property
    def url(self) -> str:
        """The server's URL, as a value for INFLUXDB_URL."""
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    @property
    def writes(self) -> list[Request]:
        """The requests that write."""
        return [request for request in self.requests if request.path == "/api/v2/write"]

    def reply_to(self, request: Request) -> Reply:
        """Record the request and choose its reply."""
        self.requests.append(request)
        return self.script.pop(0) if self.script else self.fallback(request)


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

    do_CONNECT = do_POST = do_GET  # noqa: N815 - the name in the parent class

    def _send(self, reply: Reply) -> None:
        if reply is SILENCE:
            self.server.stopping.wait()
        if reply is BROKEN:
            self.wfile.write(b"HTTP/1.1 20")
        if reply in (RESET, BROKEN, SILENCE):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        if reply.pause_s:
            self._send_slowly(reply)
            return
        self.send_response(reply.status)
        for name, value in {"X-Influxdb-Version": "v2.7.12", **reply.headers}.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.content)))
        self.end_headers()
        if reply.status != 204:
            self.wfile.write(reply.content)

    def _send_slowly(self, reply: Reply) -> None:
        """Send each byte alone until the client goes away. The body ends with the connection."""
        self.close_connection = True
        head = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        with suppress(OSError):
            for byte in f"HTTP/1.1 {reply.status} Slow\r\n{head}\r\n".encode() + reply.content:
                self.wfile.write(bytes([byte]))
                self.server.stopping.wait(reply.pause_s)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parameter's name in the parent class
        pass


@contextmanager
def scripted_influx(tls: SSLContext | None = None) -> Iterator[ScriptedInflux]:
    """Run a scripted server."""
    with serve_in_thread(ScriptedInflux(tls)) as server:
        try:
            yield server
        finally:
            server.stopping.set()
