"""An AWS on loopback whose services all answer with one error, in the protocol of the request."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from tests.support.serving import serve_in_thread


class Failure(NamedTuple):
    """An answer: an error code of AWS with its HTTP status, or a page of something that is not AWS."""

    status: int
    code: str
    page: str = ""


class FailingAws(ThreadingHTTPServer):
    """Answers every request with `failure`, and counts them."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.failure = Failure(500, "InternalFailure")
        self.requests = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: FailingAws
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests += 1
        status, code, page = self.server.failure
        is_json = "X-Amz-Target" in self.headers or self.path.startswith("/20")
        error = f"<Error><Code>{code}</Code><Message>no</Message></Error>"
        xml = f"<ErrorResponse>{error}</ErrorResponse>" if self.path == "/" else error
        body = (page or (json.dumps({"__type": code, "message": "no"}) if is_json else xml)).encode()
        self.send_response(status)
        self.send_header("x-amzn-ErrorType", code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_HEAD = _answer  # noqa: N815 - the names of the base class

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def failing_aws() -> Iterator[FailingAws]:
    """A running server."""
    with serve_in_thread(FailingAws()) as server:
        yield server


@contextmanager
def silent_server() -> Iterator[str]:
    """The URL of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
