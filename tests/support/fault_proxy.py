"""A proxy on loopback in front of a real server, which injects the faults of networks and servers.

Each matching request (by default a write to InfluxDB) takes the next of `faults` (see tests.support.faults). Without
a fault, and for all other requests, the proxy forwards the request. `exchanges` records each matching request, so that
a test can check that its fault fired.
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
from threading import Event
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from tests.support.serving import serve_in_thread

Fault = Callable[["Exchange"], None]
RequestFilter = Callable[[BaseHTTPRequestHandler], bool]


@dataclass
class Exchange:
    """One request. `upstream_status` is the status of the server's reply, or 0 if the request was not forwarded."""

    handler: "_Handler"
    fault: str
    at: float = field(default_factory=monotonic)
    body: bytes = b""
    upstream_status: int = 0

    @property
    def port(self) -> int:
        """The port of the client."""
        return int(self.handler.client_address[1])

    @property
    def server_port(self) -> int:
        """The port of the proxy."""
        return int(self.handler.connection.getsockname()[1])

    def read(self, size: int | None = None) -> None:
        """Read the rest of the body, or at most `size` bytes of it."""
        length = int(self.handler.headers.get("Content-Length", 0))
        self.body += self.handler.rfile.read(length - len(self.body) if size is None else min(size, length))

    def forward(self) -> bytes:
        """Forward the request, and return the server's response as the bytes on the wire."""
        self.read()
        connection = HTTPConnection(self.handler.server.upstream, timeout=60)
        headers = {name: value for name, value in self.handler.headers.items() if name != "Connection"}
        connection.request(self.handler.command, self.handler.path, self.body, headers)
        reply = connection.getresponse()
        content = reply.read()
        connection.close()
        self.upstream_status = reply.status
        per_connection = ("Transfer-Encoding", "Connection")
        end_to_end = {name: value for name, value in reply.headers.items() if name not in per_connection}
        return response(reply.status, content, end_to_end)

    def send(self, content: bytes) -> None:
        """Send bytes to the client."""
        self.handler.wfile.write(content)

    def reset(self) -> None:
        """Reset the connection to the client."""
        self.handler.close_connection = True
        _reset(self.handler.connection)


def _reset(connection: socket.socket) -> None:
    """Close the connection with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def response(status: int, content: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """Return an HTTP response as the bytes on the wire."""
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    if status != 204 and "Content-Length" not in (headers or {}):
        lines.append(f"Content-Length: {len(content)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def pass_on(exchange: Exchange) -> None:
    """Forward the request without a fault. If the server is unreachable, reset the connection."""
    try:
        exchange.send(exchange.forward())
    except (OSError, HTTPException):
        exchange.reset()


class FaultProxy(ThreadingHTTPServer):
    """A proxy in front of the server at `upstream` (host:port).

    A request that matches `is_target` takes the next of `faults`, or `always` when none is left. The next `resets`
    connections are reset as soon as they are accepted.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream: str, is_target: RequestFilter, tls: SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.is_target = is_target
        self.upstream = upstream
        self.faults: deque[Fault] = deque()
        self.always: Fault = pass_on
        self.exchanges: list[Exchange] = []
        self.resets = 0
        self.stopping = Event()

    @property
    def url(self) -> str:
        """The proxy's URL, as a value for INFLUXDB_URL."""
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    @property
    def fired_faults(self) -> list[str]:
        """The names of the faults that happened, in order."""
        return [exchange.fault for exchange in self.exchanges if exchange.fault != pass_on.__name__]

    def set_faults(self, *faults: Fault, always: Fault = pass_on) -> None:
        """Forget earlier exchanges, and inject these faults from now on; without any, forward every request."""
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
        """Take the fault for the next matching request."""
        return self.faults.popleft() if self.faults else self.always


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FaultProxy

    def do_GET(self) -> None:
        if not self.server.is_target(self):
            pass_on(Exchange(self, pass_on.__name__))
            return
        fault = self.server.next_fault()
        exchange = Exchange(self, fault.__name__)
        self.server.exchanges.append(exchange)
        fault(exchange)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - the names in the parent class

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parameter's name in the parent class
        pass


def is_write(request: BaseHTTPRequestHandler) -> bool:
    """Tell whether the request writes points to InfluxDB. The empty write of CheckHealth does not."""
    return urlsplit(request.path).path == "/api/v2/write" and request.headers.get("Content-Length") != "0"


@contextmanager
def fault_proxy(
    upstream: str, is_target: RequestFilter = is_write, tls: SSLContext | None = None
) -> Iterator[FaultProxy]:
    """Run a proxy in front of the server at this URL."""
    with serve_in_thread(FaultProxy(urlsplit(upstream).netloc, is_target, tls)) as proxy:
        try:
            yield proxy
        finally:
            proxy.stopping.set()
