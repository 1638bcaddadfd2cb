"""The HTTP API of InfluxDB, called without the client library."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
import requests
from requests import Response

from local.influxdb.server import InfluxTarget

TIME_NS = 1_700_000_000_123_456_789


class InfluxApi:
    """A client of one server.

    Attributes:
        series: A measurement that only this client writes to.
        version: The version of the server, or "" if it does not report one.
    """

    def __init__(self, influx: InfluxTarget) -> None:
        self.influx = influx
        self.series = f"contract_{uuid4().hex}"
        self.version = self.get("/ping").headers.get("X-Influxdb-Version", "")

    def get(self, path: str, *, token: str | None = None, **parameters: str) -> Response:
        return self.request("GET", path, token=token, params=parameters)

    def request(self, method: str, path: str, *, token: str | None = None, **options: Any) -> Response:
        headers = self.authorization(token) | options.pop("headers", {})
        return requests.request(method, self.influx.url + path, headers=headers, timeout=30, **options)

    def write(self, body: Any, *, token: str | None = None, encoding: str = "identity", **other: str) -> Response:
        parameters = {"org": self.influx.org, "bucket": self.influx.bucket, "precision": "ns", **other}
        headers = {"Content-Encoding": encoding}
        return self.request("POST", "/api/v2/write", token=token, data=body, params=parameters, headers=headers)

    def write_points(self, *points: str, **other: str) -> Response:
        """Write points; each is the rest of a line after the measurement."""
        return self.write("\n".join(self.series + point for point in points).encode(), **other)

    def query(
        self, influxql: str, *, accept: str = "application/json", token: str | None = None, bucket: str = ""
    ) -> Response:
        parameters = {"db": bucket or self.influx.bucket, "q": influxql, "epoch": "ns"}
        return self.request("POST", "/query", token=token, params=parameters, headers={"Accept": accept})

    def stored_rows(self, bucket: str = "") -> list[list[object]]:
        """Return the rows of the measurement: time in ns, then fields and tags in the order of their names."""
        (result,) = self.query(f'SELECT * FROM "{self.series}"', bucket=bucket).json()["results"]  # noqa: S608
        rows: list[list[object]] = result["series"][0]["values"] if "series" in result else []
        return rows

    def own_bucket(self) -> dict[str, Any]:
        """Return the bucket of the target in the form of InfluxDB 2's API."""
        reply = self.get("/api/v2/buckets", org=self.influx.org, name=self.influx.bucket)
        bucket: dict[str, Any] = reply.json()["buckets"][0]
        return bucket

    @contextmanager
    def new_bucket(self, *, retention_s: int, name: str = "") -> Iterator[dict[str, Any]]:
        """Create a bucket for the time of the context, with a name of its own unless `name` is set."""
        rule = {"type": "expire", "everySeconds": retention_s}
        with self._new("buckets", {"name": name or f"contract_{uuid4().hex}", "retentionRules": [rule]}) as bucket:
            yield bucket

    @contextmanager
    def new_token(self, *actions: str) -> Iterator[dict[str, Any]]:
        """Create a token that may read or write the target's bucket, for the time of the context."""
        bucket = self.own_bucket()
        resource = {"type": "buckets", "id": bucket["id"], "orgID": bucket["orgID"]}
        permissions = [{"action": action, "resource": resource} for action in actions]
        with self._new("authorizations", {"permissions": permissions}) as authorization:
            yield authorization

    @contextmanager
    def _new(self, kind: str, content: dict[str, Any]) -> Iterator[dict[str, Any]]:
        org_id = self.own_bucket()["orgID"]
        reply = self.request("POST", f"/api/v2/{kind}", json={"orgID": org_id, **content})
        if reply.status_code in (401, 403):
            pytest.skip(f"INFLUXDB_TOKEN may not create {kind}")
        assert reply.status_code == 201, reply.text
        resource: dict[str, Any] = reply.json()
        try:
            yield resource
        finally:
            self.request("DELETE", f"/api/v2/{kind}/{resource['id']}")

    def authorization(self, token: str | None) -> dict[str, str]:
        return {"Authorization": f"Token {token or self.influx.token}"}


def status_and_code(response: Response) -> tuple[int, str]:
    """Return status and code; the message must not be empty, and the header must repeat the code."""
    assert response.json()["message"]
    assert response.headers["X-Platform-Error-Code"] == response.json()["code"]
    return response.status_code, response.json()["code"]


def message(response: Response) -> str:
    return str(response.json()["message"])
