"""InfluxDB as an HTTP client sees it, without the client library."""

from uuid import uuid4

import requests
from requests import Response

from local.influxdb.server import InfluxTarget

TIME_NS = 1_700_000_000_123_456_789


class Api:
    """`series` is a measurement of its own; `version` is "" where the server does not tell."""

    def __init__(self, influx: InfluxTarget) -> None:
        self.influx = influx
        self.series = f"contract_{uuid4().hex}"
        self.version = self.get("/ping").headers.get("X-Influxdb-Version", "")

    def get(self, path: str, *, token: str | None = None, **parameters: str) -> Response:
        return requests.get(self.influx.url + path, parameters, headers=self._headers(token), timeout=30)

    def write(self, body: bytes, *, token: str | None = None, encoding: str = "identity", **other: str) -> Response:
        parameters = {"org": self.influx.org, "bucket": self.influx.bucket, "precision": "ns", **other}
        headers = self._headers(token) | {"Content-Encoding": encoding}
        return requests.post(
            f"{self.influx.url}/api/v2/write", data=body, params=parameters, headers=headers, timeout=30
        )

    def write_points(self, *points: str, **other: str) -> Response:
        """Each as the rest of a line after the measurement."""
        return self.write("\n".join(self.series + point for point in points).encode(), **other)

    def query(self, influxql: str, *, accept: str = "application/json") -> Response:
        parameters = {"db": self.influx.bucket, "q": influxql, "epoch": "ns"}
        headers = self._headers(None) | {"Accept": accept}
        return requests.post(f"{self.influx.url}/query", params=parameters, headers=headers, timeout=30)

    def stored(self) -> list[list[object]]:
        """What the measurement holds: time in ns, then fields and tags in the order of their names."""
        (result,) = self.query(f'SELECT * FROM "{self.series}"').json()["results"]  # noqa: S608
        rows: list[list[object]] = result["series"][0]["values"] if "series" in result else []
        return rows

    def _headers(self, token: str | None) -> dict[str, str]:
        return {"Authorization": f"Token {token or self.influx.token}"}
