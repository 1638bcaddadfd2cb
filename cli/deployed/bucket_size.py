"""The shards and series of an InfluxDB bucket, which decide how long a request of a deletion takes.

InfluxDB 2 answers no question about either in InfluxQL, so they are counted from the ledger: the calendars of all files
that were loaded into the bucket, of whatever measurement, say on which days it has points, and of how many series.
Points of other programs are not counted, so DeletePoints estimates again from the first request.
"""

import calendar
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from boto3.dynamodb.conditions import Attr

from cli.deployed.buckets import can_delete, invoke_check_health
from cli.deployed.stack import Deployment
from cli.deployed.stale import PreparedSearch
from cli.errors import RefusedError
from shared.calendars import Calendar, add, decode
from shared.datasets import DATASETS
from shared.ledger import LedgerItem
from shared.plausibility import YEAR_1_S
from shared.settings import default_bucket

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

WEEK_S = 7 * 86_400
"""How long a shard is in a bucket without retention."""

DAY_S = 86_400


class BucketSize(NamedTuple):
    """The shards of a bucket, and the series of a measurement and of those that sort before it."""

    shards: int
    series: int


def read_bucket_size(deployment: Deployment, prepared: PreparedSearch, series: int) -> BucketSize:
    """Return the size of the bucket of a search, in which at least `series` are known.

    Raises:
        RefusedError: InfluxDB 3 cannot delete points.
    """
    health = invoke_check_health(deployment)
    if not can_delete(health):
        raise RefusedError("InfluxDB 3 cannot delete points, so the stale points stay: nothing was deleted")
    default, bucket = default_bucket(deployment.delivery_environment()), prepared.measurement.bucket
    datasets = {name for name, each in DATASETS.items() if (each.influxdb_bucket or default) == bucket}
    widths = [int(value) for name, value in health.get("shard_seconds", {}).items() if name in datasets and value]
    calendars = _calendars(_items_with_calendar(deployment.ledger, datasets))
    counted = bucket_size(calendars, prepared.measurement.name, min(widths, default=WEEK_S))
    return BucketSize(counted.shards, max(counted.series, series))


def _items_with_calendar(table: "Table", datasets: Collection[str]) -> Iterator[LedgerItem]:
    condition = Attr("status").exists() & Attr("calendar").exists()
    # The client of a resource accepts conditions, but its type stubs do not say so.
    paginator: Any = table.meta.client.get_paginator("scan")
    for page in paginator.paginate(TableName=table.name, FilterExpression=condition):
        yield from (item for item in cast("list[LedgerItem]", page["Items"]) if item["dataset"] in datasets)


def _calendars(items: Iterable[LedgerItem]) -> dict[str, list[Calendar]]:
    """Return the calendars by measurement."""
    calendars: dict[str, list[Calendar]] = {}
    for item in items:
        days = decode(json.loads(item.get("calendar") or "[]"))
        calendars.setdefault(item.get("measurement", ""), []).append(days)
    return calendars


def bucket_size(calendars: Mapping[str, Iterable[Calendar]], measurement: str, shard_seconds: int) -> BucketSize:
    """Return the size of a bucket for requests that delete from a measurement.

    Example with shards of a week: two measurements have points in the same week of January, one of them also in May.

    >>> from shared.calendars import Count
    >>> january, may = {"2024-01-10": Count(24, 3, 5, 6)}, {"2024-05-08": Count(24, 8, 5, 7)}
    >>> bucket_size({"a": [january], "b": [january, may], "c": [may]}, "b", 7 * 86_400)
    BucketSize(shards=2, series=11)

    Args:
        calendars: The calendars of all files, by measurement.
        measurement: The measurement.
        shard_seconds: How long a shard is.
    """
    totals = {name: add(each, may_repeat=True) for name, each in calendars.items()}
    shards = {shard for total in totals.values() for period in total for shard in _shards(period, shard_seconds)}
    series = sum(
        max((count.series for count in total.values()), default=0)
        for name, total in totals.items()
        if name <= measurement
    )
    return BucketSize(max(len(shards), 1), series)


def _shards(period: str, shard_seconds: int) -> range:
    """Return the numbers of the shards that a day or a month may have points in."""
    year, month, day = (int(part) for part in f"{period}-0".split("-")[:3])
    first = date(year, month, day or 1).toordinal()
    days = 1 if day else calendar.monthrange(year, month)[1]
    first_s = (first - date(1970, 1, 1).toordinal()) * DAY_S + YEAR_1_S
    return range(first_s // shard_seconds, (first_s + days * DAY_S - 1) // shard_seconds + 1)
