"""A proxy on loopback in front of a real server, which injects the faults of networks and servers.

Each matching request (by default a write to InfluxDB) takes the next of `faults` (see tests.support.faults). Without
a fault, and for all other requests, the proxy passes the request on. `exchanges` records what happened, so that a
test can tell that its fault fired.
"""

import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from threading import Event, Thread
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

Fault = Callable[["Exchange"], None]
Concerns = Callable[[BaseHTTPRequestHandler], bool]


@dataclass
class Exchange:
    """One request and what becomes of it. `applied`: the server's status, 0 when it was not asked."""

    handler: "_Handler"
    fault: str
    at: float = field(default_factory=monotonic)
    body: bytes = b""
    applied: int = 0

    @property
    def port(self) -> int:
        """The client's."""
        return int(self.handler.client_address[1])

    def read(self, size: int | None = None) -> None:
        """Read the body, or only so much of it."""
        length = int(self.handler.headers.get("Content-Length", 0))
        self.body += self.handler.rfile.read(length - len(self.body) if size is None else min(size, length))

    def apply(self) -> bytes:
        """Pass the request on; what the server answered, as bytes on the wire."""
        self.read()
        connection = HTTPConnection(self.handler.server.upstream, timeout=60)
        headers = {name: value for name, value in self.handler.headers.items() if name != "Connection"}
        connection.request(self.handler.command, self.handler.path, self.body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.applied = answer.status
        kept = {
            name: value for name, value in answer.headers.items() if name not in ("Transfer-Encoding", "Connection")
        }
        return response(answer.status, content, kept)

    def send(self, content: bytes) -> None:
        """To the client."""
        self.handler.wfile.write(content)

    def reset(self) -> None:
        """Break the connection."""
        self.handler.close_connection = True
        _reset(self.handler.connection)


def _reset(connection: socket.socket) -> None:
    """RST, no FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def response(status: int, content: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """As bytes on the wire."""
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    if status != 204 and "Content-Length" not in (headers or {}):
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def passed_on(exchange: Exchange) -> None:
    """No fault. Where the server is gone, the connection breaks."""
    try:
        exchange.send(exchange.apply())
    except (OSError, HTTPException):
        exchange.reset()


class FaultProxy(ThreadingHTTPServer):
    """Before the server at `upstream`, host:port. `always` is for requests of interest that find no fault.

    So many of the next connections as `resets` says are reset as soon as they are accepted.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream: str, concerns: Concerns, tls: SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.concerns = concerns
        self.upstream = upstream
        self.faults: deque[Fault] = deque()
        self.always: Fault = passed_on
        self.exchanges: list[Exchange] = []
        self.resets = 0
        self.ended = Event()

    @property
    def url(self) -> str:
        """For INFLUXDB_URL."""
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    @property
    def fired(self) -> list[str]:
        """The faults that happened, in order."""
        return [exchange.fault for exchange in self.exchanges if exchange.fault != passed_on.__name__]

    def begin(self, *faults: Fault, always: Fault = passed_on) -> None:
        """Forget what was, and do this from now on."""
        self.exchanges.clear()
        self.resets = 0
        self.faults = deque(faults)
        self.always = always

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection that was just accepted, or reset it."""
        if self.resets:
            self.resets -= 1
            _reset(request)
        else:
            super().process_request(request, client_address)

    def next_fault(self) -> Fault:
        """For a request of interest."""
        return self.faults.popleft() if self.faults else self.always


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FaultProxy

    def do_GET(self) -> None:
        if not self.server.concerns(self):
            passed_on(Exchange(self, passed_on.__name__))
            return
        fault = self.server.next_fault()
        exchange = Exchange(self, fault.__name__)
        self.server.exchanges.append(exchange)
        fault(exchange)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names in the parent class

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parameter's name in the parent class
        pass


def is_write(request: BaseHTTPRequestHandler) -> bool:
    """To InfluxDB."""
    return urlsplit(request.path).path == "/api/v2/write"


@contextmanager
def fault_proxy(upstream: str, concerns: Concerns = is_write, tls: SSLContext | None = None) -> Iterator[FaultProxy]:
    """A running proxy before the server at this URL."""
    with FaultProxy(urlsplit(upstream).netloc, concerns, tls) as proxy:
        thread = Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.ended.set()
            proxy.shutdown()
            thread.join()
