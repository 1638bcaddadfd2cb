"""The health check of InfluxDB, which reads only and never writes.

`check_health` pings the server and then looks for each bucket: through the buckets API that InfluxDB 2 has
(`_find_bucket`), or through the list of databases that 1.8 and 3 have (`_has_database`). `_json_body` reads every
reply, and raises the error that the table of InfluxDB's answers names.
"""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from time import perf_counter
from typing import Any, NamedTuple

from shared.errors import BucketNotFoundError
from shared.events import Health
from shared.influx import Influx
from shared.influx_answers import HttpReply, interpret
from shared.times import span_since

NO_SUCH_ENDPOINT = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
"""The statuses that a version of InfluxDB returns for an endpoint that it lacks."""


class BucketStatus(NamedTuple):
    """The status of one bucket: `found` is False, and `id` is "", if the server cannot tell."""

    found: bool
    id: str = ""


def check_health(influx: Influx, org: str, buckets: Mapping[str, str], started_at: datetime) -> Health:
    """Check that InfluxDB responds, accepts the token, and has the buckets.

    Args:
        influx: The server.
        org: The organization that owns the buckets.
        buckets: The name of the bucket of each dataset.
        started_at: When the state started.

    Raises:
        LoaderError: Any error that the table of InfluxDB's answers names, such as InfluxUnavailableError or
            InfluxUnauthorizedError.
        BucketNotFoundError: InfluxDB has no such bucket or database.
    """
    sent_at = perf_counter()
    ping = influx.ping()
    response_time_ms = round((perf_counter() - sent_at) * 1000, 1)
    _json_body(ping)
    statuses = {bucket: _find_bucket(influx, org, bucket) for bucket in sorted(set(buckets.values()))}
    return Health(
        status="healthy",
        response_time_ms=response_time_ms,
        version=ping.headers.get("X-Influxdb-Version", "unknown"),
        bucket="found" if all(status.found for status in statuses.values()) else "not checkable",
        bucket_ids={dataset: statuses[bucket].id for dataset, bucket in buckets.items()},
        ran=span_since(started_at),
    )


def _find_bucket(influx: Influx, org: str, bucket: str) -> BucketStatus:
    """Return whether the server confirms that the bucket exists, and its id, which only InfluxDB 2 has.

    InfluxDB 2 returns 404 for a bucket that does not exist, which raises BucketNotFoundError, and an empty list if the
    token may write to the bucket but not read it.
    """
    buckets = _json_body(influx.get("/api/v2/buckets", org=org, name=bucket)).get("buckets")
    if buckets is None:
        return BucketStatus(found=_has_database(influx, bucket.partition("/")[0]))
    ids = (entry.get("id", "") for entry in buckets if entry["name"] == bucket)
    return next((BucketStatus(found=True, id=bucket_id) for bucket_id in ids), BucketStatus(found=False))


def _has_database(influx: Influx, database: str) -> bool:
    """Return whether InfluxDB 1.8 or 3 lists the database; False if it lists none.

    A missing database is an error here because the first write to InfluxDB 3 would create one with the mistyped name.
    """
    results = _json_body(influx.get("/query", q="SHOW DATABASES")).get("results", [])
    names = {row[0] for result in results for series in result.get("series", []) for row in series["values"]}
    if names and database not in names:
        raise BucketNotFoundError(f"InfluxDB has no database {database!r}: create it, or correct INFLUXDB_BUCKET")
    return database in names


def _json_body(reply: HttpReply) -> dict[str, Any]:
    """Return the JSON body, or {} if this version of InfluxDB lacks the endpoint. Raise for any other status."""
    body = reply.data if isinstance(reply.data, dict) else {}
    if reply.status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
        return body
    # InfluxDB 2 also returns 404 for a bucket that does not exist, with this code in the body.
    if reply.status in NO_SUCH_ENDPOINT and body.get("code") != "not found":
        return {}
    raise interpret(reply).exception("before the load")
