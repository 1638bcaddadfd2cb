"""The health check of InfluxDB, which never writes a point.

`check_health` pings the server and then looks for each bucket: through the buckets API that InfluxDB 2 has
(`_find_bucket`), or through the list of databases that 1.8 and 3 have (`_has_database`). On InfluxDB 2, `_check_write`
then finds out whether the token may write to the bucket. `_json_body` reads every reply, and raises the error that the
table of InfluxDB's answers names.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from time import perf_counter
from typing import Any, NamedTuple

from shared.errors import BucketNotFoundError
from shared.events import Health
from shared.influx import Influx
from shared.influx_answers import Action, HttpReply, interpret
from shared.plausibility import shard_duration
from shared.times import span_since

_VERSION_2 = re.compile(r"v?2\.")

NO_SUCH_ENDPOINT = (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
"""The statuses that a version of InfluxDB returns for an endpoint that it lacks."""


class BucketStatus(NamedTuple):
    """The status of one bucket.

    Attributes:
        exists: False if the server cannot tell.
        id: the bucket's id; "" if the server cannot tell.
        shard_seconds: the shard group duration; None if the server cannot tell.
    """

    exists: bool
    id: str = ""
    shard_seconds: int | None = None


def check_health(influx: Influx, org: str, buckets: Mapping[str, str], started_at: datetime) -> Health:
    """Check that InfluxDB responds, accepts the token, and has the buckets, and that the token may write to them.

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
    version = ping.headers.get("X-Influxdb-Version", "unknown")
    statuses = {bucket: _find_bucket(influx, org, bucket, version) for bucket in sorted(set(buckets.values()))}
    return Health(
        status="healthy",
        response_time_ms=response_time_ms,
        version=version,
        bucket="found" if all(status.exists for status in statuses.values()) else "not checkable",
        bucket_ids={dataset: statuses[bucket].id for dataset, bucket in buckets.items()},
        shard_seconds={name: value for name, bucket in buckets.items() if (value := statuses[bucket].shard_seconds)},
        ran=span_since(started_at),
    )


def _find_bucket(influx: Influx, org: str, bucket: str, version: str) -> BucketStatus:
    """Return whether the server confirms that the bucket exists, and what only InfluxDB 2 knows of it.

    InfluxDB 2 returns 404 for a bucket that does not exist, which raises BucketNotFoundError, and an empty list for one
    that exists and that the token may not read. Raise InfluxUnauthorizedError if the token may not write to it.
    """
    buckets = _json_body(influx.get("/api/v2/buckets", org=org, name=bucket)).get("buckets")
    if buckets is None:
        return BucketStatus(exists=_has_database(influx, bucket.partition("/")[0]))
    if _VERSION_2.match(version):
        _check_write(influx, bucket)
    for entry in buckets:
        if entry["name"] == bucket:
            return BucketStatus(exists=True, id=entry.get("id", ""), shard_seconds=shard_duration(entry))
    return BucketStatus(exists=False)


def _check_write(influx: Influx, bucket: str) -> None:
    """Raise InfluxUnauthorizedError if the token may not write to the bucket, before the load converts anything.

    InfluxDB 2 returns 204, 403, 401 or 404 for an empty write, and writes nothing. InfluxDB 3 would create a database
    of that name, so only a server that says that it is version 2, and has just found the bucket, gets one.
    """
    answer = interpret(influx.write_nothing(bucket))
    if answer.action not in (Action.DONE, Action.SPLIT):  # SPLIT: it allows the write, but not an empty one
        raise answer.exception(f"checking that the token may write to bucket {bucket!r}, before the load")


def _has_database(influx: Influx, database: str) -> bool:
    """Return whether InfluxDB 1.8 or 3 lists the database; False if it lists none.

    A missing database is an error here because the first write to InfluxDB 3 would create one with the mistyped name.
    """
    results = _json_body(influx.get("/query", q="SHOW DATABASES")).get("results", [])
    listed = [series for result in results for series in result.get("series", [])]
    names = {row[0] for series in listed for row in series.get("values", [])}  # without any: the token may see none
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
