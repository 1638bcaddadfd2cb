"""The deletion of points from the engine, with the semantics and, if asked for, the time of InfluxDB 2.7.

2.7 walks all shards of the bucket one after the other, whatever the range of the request, and stops when the client
goes away: the shards that it has passed are done. `delete_points` does the same if it has a pace. Without one, it
deletes at once.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from local.influxdb.buckets import Bucket
from local.influxdb.delete_requests import Condition, Delete
from local.influxdb.engine_client import EngineClient, quote

SHARD_S = 0.002
SERIES_S = 5e-6
"""The time that 2.7.12 takes for each shard, and in it for each series of the measurement and of those that sort before
it, in seconds. Both are measured.
"""

_MEASUREMENT = "_measurement"
_NS = 10**9


class TimeRange(NamedTuple):
    """The times from the first to the last, both included, in ns since 1970."""

    first_ns: int
    last_ns: int


def delete_points(
    engine: EngineClient, bucket: Bucket, delete: Delete, *, pace: float, is_client_gone: Callable[[], bool]
) -> None:
    """Delete the points that a request names.

    Args:
        engine: The engine.
        bucket: The bucket.
        delete: The request.
        pace: How many times as long to take as 2.7.12; 0 means to delete at once.
        is_client_gone: Returns whether the client has closed the connection, so that the rest is left undone.
    """
    whole = TimeRange(delete.start_ns, delete.stop_ns)
    statements = list(_statements(engine, bucket, delete.conditions))
    if not pace:
        _delete_range(engine, bucket, statements, whole)
        return
    seconds = pace * (SHARD_S + SERIES_S * _series_walked(engine, bucket, delete.conditions))
    for shard in _shards(engine, bucket):
        if is_client_gone():
            return
        time.sleep(seconds)
        _delete_range(engine, bucket, statements, _intersection(shard, whole))


def _delete_range(engine: EngineClient, bucket: Bucket, statements: list[str], times: TimeRange) -> None:
    if times.first_ns <= times.last_ns:
        for statement in statements:
            range_ = f"time >= {times.first_ns} AND time <= {times.last_ns}"
            engine.query(f"{statement} {range_}", database=bucket.database)


def _statements(engine: EngineClient, bucket: Bucket, conditions: tuple[Condition, ...]) -> Iterator[str]:
    """Yield an InfluxQL statement for each measurement, to which only the range is missing.

    A condition matches no series that lacks its tag. InfluxQL treats a missing tag as an empty one instead.
    """
    on_tags = [condition for condition in conditions if condition.key != _MEASUREMENT]
    if any(condition.is_equal and not condition.value for condition in on_tags):
        return
    for measurement in _measurements(engine, bucket, conditions):
        series = engine.query(f"SHOW TAG KEYS FROM {quote(measurement)}", database=bucket.database)
        tags = {tag for each in series for (tag,) in each["values"]}
        if all(condition.key in tags for condition in on_tags):
            restrictions = "".join(f"{_influxql(condition)} AND " for condition in on_tags)
            yield f"DELETE FROM {quote(measurement)} WHERE {restrictions}"  # noqa: S608 - names are quoted


def _influxql(condition: Condition) -> str:
    """Return a condition on a tag in InfluxQL, which a series without the tag does not meet."""
    key, value = quote(condition.key), condition.value.replace("\\", "\\\\").replace("'", r"\'")
    return f"{key} = '{value}'" if condition.is_equal else f"{key} != '{value}' AND {key} != ''"


def _measurements(engine: EngineClient, bucket: Bucket, conditions: tuple[Condition, ...]) -> Iterator[str]:
    on_measurement = [condition for condition in conditions if condition.key == _MEASUREMENT]
    for series in engine.query("SHOW MEASUREMENTS", database=bucket.database):
        for (name,) in series["values"]:
            if all((name == condition.value) == condition.is_equal for condition in on_measurement):
                yield name


def _series_walked(engine: EngineClient, bucket: Bucket, conditions: tuple[Condition, ...]) -> int:
    """Return the number of series of the last measurement that matches, and of those that sort before it."""
    last = max(_measurements(engine, bucket, conditions), default="")
    keys = engine.query("SHOW SERIES", database=bucket.database)
    return sum(key.partition(",")[0] <= last for series in keys for (key,) in series["values"])


def _shards(engine: EngineClient, bucket: Bucket) -> list[TimeRange]:
    """Return the times of each shard of the bucket, in order."""
    rows = [row for series in engine.query("SHOW SHARDS") for row in series.get("values", [])]
    times = [row[4:6] for row in rows if row[1] == bucket.database]
    return sorted(TimeRange(_nanoseconds(start), _nanoseconds(end) - 1) for start, end in times)


def _nanoseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * _NS


def _intersection(one: TimeRange, other: TimeRange) -> TimeRange:
    return TimeRange(max(one.first_ns, other.first_ns), min(one.last_ns, other.last_ns))
