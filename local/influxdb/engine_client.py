"""A connection to the engine's own API, InfluxDB 1.x: /write, /query and /ping."""

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlencode


class EngineError(RuntimeError):
    """The engine's error message. `status` is that of its HTTP answer: a failed query has 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class EngineClient:
    """Raises OSError or HTTPException when the engine is gone. Not for several threads."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def close(self) -> None:
        """The next request opens it again."""
        self._connection.close()

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> HTTPResponse:
        """The answer, to be read to its end. Asks again if the engine was restarted since the last request."""
        try:
            self._connection.request(method, path, body, headers or {})
            return self._connection.getresponse()
        except (OSError, HTTPException):
            self.close()
            self._connection.request(method, path, body, headers or {})
            return self._connection.getresponse()

    def ping(self) -> None:
        """Return if it answers."""
        self.request("GET", "/ping").read()

    def write(self, body: bytes, *, database: str, precision: str) -> None:
        """`precision` in the words of 1.x: n, u, ms, s. Raises EngineError; what could be written is written."""
        answer = self.request("POST", "/write?" + urlencode({"db": database, "precision": precision}), body)
        content = answer.read()
        if content:
            raise EngineError(answer.status, json.loads(content)["error"])

    def query(self, influxql: str, *, database: str = "") -> list[dict[str, Any]]:
        """The series of one statement, times as ns. Raises EngineError."""
        answer = self.request("POST", "/query?" + urlencode({"q": influxql, "db": database, "epoch": "ns"}))
        content = json.loads(answer.read())
        result = content["results"][0] if "results" in content else content
        if "error" in result:
            raise EngineError(answer.status, f"{influxql}: {result['error']}")
        series: list[dict[str, Any]] = result.get("series", [])
        return series
