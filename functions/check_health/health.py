"""Is InfluxDB ready for a load? Asked without writing anything."""

from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus
from time import perf_counter
from typing import Any

from shared.errors import BucketNotFoundError
from shared.events import Health
from shared.influx import Influx
from shared.influx_answers import HttpReply, interpret
from shared.times import span_since

UNKNOWN_QUESTION = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)


def check_health(influx: Influx, org: str, buckets: Iterable[str], since: datetime) -> Health:
    """The state runs `since` then.

    Raises what the table of outcomes says: unreachable, unauthorized, no such bucket, untrusted.
    """
    asked = perf_counter()
    ping = influx.ping()
    response_time_ms = round((perf_counter() - asked) * 1000, 1)
    _said(ping)
    found = [_has_bucket(influx, org, bucket) for bucket in buckets]
    return Health(
        status="healthy",
        response_time_ms=response_time_ms,
        version=ping.headers.get("X-Influxdb-Version", "unknown"),
        bucket="found" if all(found) else "not checkable",
        ran=span_since(since),
    )


def _has_bucket(influx: Influx, org: str, bucket: str) -> bool:
    """False where the server cannot tell.

    2.x answers 404 for a bucket that is not there, and an empty list where the token may write to it but not read.
    """
    buckets = _said(influx.get("/api/v2/buckets", org=org, name=bucket)).get("buckets")
    if buckets is None:
        return _has_database(influx, bucket.partition("/")[0])
    return any(entry["name"] == bucket for entry in buckets)


def _has_database(influx: Influx, database: str) -> bool:
    """As 3 and 1.8 are asked. 3 would create a database for a mistyped name with the first write."""
    results = _said(influx.get("/query", q="SHOW DATABASES")).get("results", [])
    names = {row[0] for result in results for series in result.get("series", []) for row in series["values"]}
    if names and database not in names:
        raise BucketNotFoundError(f"InfluxDB has no database {database!r}: create it, or mend INFLUXDB_BUCKET")
    return database in names


def _said(reply: HttpReply) -> dict[str, Any]:
    """What the server's JSON says, nothing where it does not know the question. Raises on every other answer."""
    said = reply.data if isinstance(reply.data, dict) else {}
    if reply.status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
        return said
    if reply.status in UNKNOWN_QUESTION and said.get("code") != "not found":
        return {}
    raise interpret(reply).exception("before the load")
