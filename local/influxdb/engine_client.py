"""A connection to the engine's own API, InfluxDB 1.x: /write, /query and /ping."""

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlencode


class EngineError(RuntimeError):
    """The engine's error message. `status` is that of its HTTP reply, which is 200 for a failed query."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class EngineClient:
    """A keep-alive connection for one thread. Raises OSError or HTTPException if the engine is not running."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def close(self) -> None:
        """Close the connection; the next request opens it again."""
        self._connection.close()

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> HTTPResponse:
        """Send a request and return the reply, which the caller must read to its end.

        A request that fails is sent once more, since the engine may have been restarted since the last one.
        """
        try:
            self._connection.request(method, path, body, headers or {})
            return self._connection.getresponse()
        except (OSError, HTTPException):
            self.close()
            self._connection.request(method, path, body, headers or {})
            return self._connection.getresponse()

    def ping(self) -> None:
        """Return if the engine answers."""
        self.request("GET", "/ping").read()

    def write(self, body: bytes, *, database: str, precision: str) -> None:
        """Write lines. `precision` is in the notation of 1.x: n, u, ms, s.

        Raises:
            EngineError: The engine rejected lines; it has written the others.
        """
        reply = self.request("POST", "/write?" + urlencode({"db": database, "precision": precision}), body)
        content = reply.read()
        if content:
            raise EngineError(reply.status, json.loads(content)["error"])

    def query(self, influxql: str, *, database: str = "") -> list[dict[str, Any]]:
        """Return the series of one InfluxQL statement, with times in ns. Raises EngineError if it fails."""
        reply = self.request("POST", "/query?" + urlencode({"q": influxql, "db": database, "epoch": "ns"}))
        content = json.loads(reply.read())
        result = content["results"][0] if "results" in content else content
        if "error" in result:
            raise EngineError(reply.status, f"{influxql}: {result['error']}")
        series: list[dict[str, Any]] = result.get("series", [])
        return series


def quote(name: str) -> str:
    r"""Return a name as an identifier of InfluxQL: a"b becomes "a\"b"."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
