"""A small JSON API over HTTP/1.1 that reads requests and reports errors like InfluxDB 2.

`ApiHandler.dispatch` finds the route of a request and calls it; a route replies, or raises ApiError to reply with an
error. Routes read the body themselves (`read_body`), so they can check the token and the target before, as InfluxDB
does. What they leave unread is discarded before the next request of the connection.
"""

import json
import select
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

CLIENT_CLOSED_REQUEST = 499

_CODES = {
    HTTPStatus.BAD_REQUEST: "invalid",
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method not allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "request too large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "unprocessable entity",
    CLIENT_CLOSED_REQUEST: "internal error",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal error",
    HTTPStatus.NOT_IMPLEMENTED: "not implemented",
}
_PIECE_BYTES = 1 << 16

Routes = Mapping[str, Mapping[str, Callable[[], None]]]
"""For each path and each method, the function that replies."""


class ApiError(Exception):
    """An error to reply with: an HTTP status, and the message for the JSON body."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ApiHandler(BaseHTTPRequestHandler):
    """One connection of a client.

    Attributes:
        parameters: The query parameters of the current request; of several with one name, the first counts.
        read_timeout_s: How long reading a body may take; 0 means no limit.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    parameters: dict[str, str]
    read_timeout_s = 0.0

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: only errors are worth a line."""

    def dispatch(self, path: str, routes: Routes) -> None:
        """Call the route of `path`. A route that raises OSError or HTTPException breaks the connection."""
        self.parameters = dict(reversed(parse_qsl(urlsplit(self.path).query, keep_blank_values=True)))
        self._body = self._pieces()
        try:
            self._route(path, routes)()
            for _ in self._body:  # whatever the route did not read
                pass
        except ApiError as error:
            self._reply_with(error)
        except (OSError, HTTPException) as error:
            self.log_error("%r", error)
            self.close_connection = True

    def reply(self, status: int, content: Mapping[str, Any] | None = None, **headers: str) -> None:
        """Send a reply with a JSON object, or with no body."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if content is None:
            self.end_headers()
            return
        body = json.dumps(content).encode()
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def read_body(self) -> bytes:
        """Return the whole body.

        Raises:
            ConnectionError: The client closed the connection early. Half a line can be a valid line, so half a body
                must never be taken for a whole one.
            ApiError: Reading took longer than `read_timeout_s`.
        """
        return b"".join(self._body)

    def is_client_gone(self) -> bool:
        """Return whether the client has closed the connection. Only after the whole body has been read."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def _reply_with(self, error: ApiError) -> None:
        code = _CODES[error.status]
        headers = {"X_Platform_Error_Code": code}
        if error.status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = str(error).removeprefix("allow: ")
        self.reply(error.status, {"code": code, "message": str(error)}, **headers)
        if error.status == CLIENT_CLOSED_REQUEST:
            self.close_connection = True
            return
        for _ in self._body:
            pass

    def _route(self, path: str, routes: Routes) -> Callable[[], None]:
        methods = routes.get(path)
        if methods is None:
            raise ApiError(HTTPStatus.NOT_FOUND, "path not found")
        if self.command not in methods:
            raise ApiError(HTTPStatus.METHOD_NOT_ALLOWED, "allow: " + ", ".join(sorted([*methods, "OPTIONS"])))
        return methods[self.command]

    def _pieces(self) -> Iterator[bytes]:
        """Yield the body in pieces, from either a Content-Length or chunked transfer encoding."""
        deadline = time.monotonic() + self.read_timeout_s if self.read_timeout_s else None
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            yield from self._read(int(self.headers.get("Content-Length", 0)), deadline)
            return
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield from self._read(size, deadline)
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass

    def _read(self, length: int, deadline: float | None) -> Iterator[bytes]:
        left = length
        while left:
            if deadline is not None:
                self.connection.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                piece = self.rfile.read1(min(left, _PIECE_BYTES))
            except TimeoutError:
                message = f"unable to read data: read tcp {self.server.server_name}: i/o timeout"  # type: ignore[attr-defined]
                raise ApiError(CLIENT_CLOSED_REQUEST, message) from None
            if not piece:
                raise ConnectionError(f"the client closed the connection after {length - left} of {length} bytes")
            left -= len(piece)
            yield piece
        self.connection.settimeout(None)
