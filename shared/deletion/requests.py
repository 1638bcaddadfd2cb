"""The requests of a deletion, in terms of InfluxDB 2's delete API.

A request removes all points of a measurement from a first to a last time, both included, whose series has all tags of
the predicate, and may have others. It cannot name a field, nor say that a tag is absent.
"""

from typing import Literal, NamedTuple

from shared.series_keys import Tags

SHARD_S = 0.002
SERIES_S = 5e-6
"""The time that InfluxDB 2.7 takes for each shard of the bucket, whatever the range of the request, and for each series
in each shard, in seconds (measured).
"""

MAX_REQUESTS = 100
MAX_SECONDS = 600.0
"""The limits of one deletion. Above them, it is faster and safer to rebuild the time range."""

MAX_REQUEST_SECONDS = 60.0
"""How long one request may be estimated to take. DeletePoints waits for its answer three times as long."""


MAX_REWRITTEN = 100_000
"""How many points of current files a deletion may remove and write again."""

Cover = Literal["tag value", "time range", "series", "slice"]
"""Why a request hits the points that it should: no other point of its time has the tag value, there is no other point
of the measurement in its time, it names all tags of one series, or a person rebuilds its time.
"""


class DeleteRequest(NamedTuple):
    """One request.

    Attributes:
        tags: The tags that a series must have. Without any, the request removes points of all series.
        first_ns: The first time in ns since 1970.
        last_ns: The last time, which is included.
        cover: Why it is safe.
        stale: The number of stale points that it removes and that no request before it has removed.
        rewritten: The number of points of current files that it removes too, and that must be written again.
    """

    tags: Tags
    first_ns: int
    last_ns: int
    cover: Cover
    stale: int
    rewritten: int


class DeletionPlan(NamedTuple):
    """The requests of a deletion, in their order.

    Attributes:
        requests: The requests. If there is a refusal, they are not complete.
        points: The number of stale points.
        rewritten: The number of points of current files to write again.
        seconds: How long InfluxDB is estimated to take for all requests.
        refusal: Why the plan must not be executed (`instead` says what to do); "" if it may be.
    """

    requests: list[DeleteRequest]
    points: int
    rewritten: int
    seconds: float
    refusal: str


def request_seconds(shards: int, series: int) -> float:
    """Return how long InfluxDB takes for one request, with so many shards and series."""
    return shards * (SHARD_S + SERIES_S * series)


def instead(dataset: str = "NAME", begin: str = "TIME", end: str = "TIME") -> str:
    """Return what to do about stale points beyond the limits: the command, with these options if they are known."""
    return f"rebuild the time, or a part of it: `loader rebuild --dataset {dataset} --from {begin} --to {end}`"


def predicate(measurement: str, tags: Tags) -> str:
    r"""Return the predicate of a request.

    >>> predicate("m", (("plant", 'the "old" one'), ("region", "N")))
    '_measurement="m" AND "plant"="the \\"old\\" one" AND "region"="N"'
    """
    conditions = (f"{_quoted(tag)}={_quoted(value)}" for tag, value in tags)
    return " AND ".join([f"_measurement={_quoted(measurement)}", *conditions])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', r"\"")
    return f'"{escaped}"'
