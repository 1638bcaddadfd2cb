"""A small JSON API over HTTP/1.1 whose errors are InfluxDB 2's {code, message}."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_CODES = {
    HTTPStatus.BAD_REQUEST: "invalid",
    HTTPStatus.UNAUTHORIZED: "unauthorized",
    HTTPStatus.NOT_FOUND: "not found",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "request too large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "unprocessable entity",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal error",
}


class RefusedError(Exception):
    """The request is answered with `status` and the message."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class ApiHandler(BaseHTTPRequestHandler):
    """One connection of a client. `parameters` and `body` are those of the current request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    parameters: dict[str, str]
    body: bytes

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Only errors are worth a line."""

    def dispatch(self, routes: Mapping[str, Callable[[], None]]) -> None:
        """Answer by the path's route. One that meets OSError or HTTPException breaks the connection."""
        url = urlsplit(self.path)
        self.parameters = dict(parse_qsl(url.query, keep_blank_values=True))
        try:
            self.body = self._whole_body()
            routes.get(url.path, self._no_such_path)()
        except RefusedError as refused:
            self.reply(refused.status, {"code": _CODES[refused.status], "message": str(refused)})
        except (OSError, HTTPException) as error:
            self.log_error("%r", error)
            self.close_connection = True

    def reply(self, status: HTTPStatus, answer: Mapping[str, Any] | None = None) -> None:
        """With a JSON object, or with nothing."""
        self.send_response(status)
        if answer is None:
            self.end_headers()
            return
        content = json.dumps(answer).encode()
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _whole_body(self) -> bytes:
        """Half a line can be a valid line, so half a body must never be taken for one."""
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError(f"the client broke off after {len(body)} of {length} bytes")
        return body

    def _no_such_path(self) -> None:
        raise RefusedError(HTTPStatus.NOT_FOUND, "path not found")
