"""The stale points of a deployment, found from the whole ledger: no current file is overlooked."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from cli.deployed.stack import Deployment
from cli.errors import RefusedError
from shared.dataset_keys import dataset_of
from shared.datasets import DATASETS
from shared.errors import UnknownDatasetError
from shared.ledger import LedgerItem
from shared.settings import default_bucket, stale_pause_s
from shared.stale.ledger import datasets_of, every_item, latest_bucket_id, plans_of
from shared.stale.loads import Loads, sort_loads
from shared.stale.plans import Footprints
from shared.stale.search import Measurement, StaleSearch


class PreparedSearch(NamedTuple):
    """A search in one measurement, the loads that it compares, and their items, which were read after `read_at`."""

    measurement: Measurement
    loads: Loads
    search: StaleSearch
    items: list[LedgerItem]
    read_at: datetime


def prepare_searches(deployment: Deployment, prefix: str, dataset: str) -> Iterator[PreparedSearch]:
    """Yield a search for each measurement that files under a prefix may write to, one at a time.

    Args:
        deployment: The deployment.
        prefix: The beginning of keys, or "".
        dataset: The name of the only dataset to search, or "" for all.
    """
    default = default_bucket(deployment.delivery_environment())
    names = [dataset] if dataset else _datasets_under(prefix)
    measurements = {(DATASETS[name].influxdb_bucket or default, DATASETS[name].measurement) for name in names}
    for bucket, measurement in sorted(measurements):
        yield _prepare(deployment, bucket, measurement, default)


def check_footprints(prepared: PreparedSearch) -> None:
    """Raise RefusedError if a current file has no complete footprint: it may have any point.

    Call it after the search, which finds what is incomplete.
    """
    if prepared.loads.not_checkable:
        raise RefusedError(
            f"nothing was deleted: {prepared.loads.not_checkable[0]} has no complete footprint, so nobody knows which "
            "points are stale: run `loader footprints` first, and load the file again if it has nothing to rebuild"
        )


UNCERTAIN = "it is not known whether InfluxDB stores all points of a replaced load"
"""Why an object with points of the kind "uncertain" may have left stale ones."""


class StaleCounts(NamedTuple):
    """The stale points that the former versions of objects left.

    Attributes:
        points: How many each object left; those that left none are absent.
        doubts: The objects that may have left more, and why that is not known.
    """

    points: dict[str, int]
    doubts: dict[str, str]


def count_stale(deployment: Deployment, prefix: str, is_selected: Callable[[str], bool]) -> StaleCounts:
    """Return the number of stale points that selected objects left. `prefix` is that of all keys."""
    counts = StaleCounts({}, {})
    for prepared in prepare_searches(deployment, prefix, ""):
        for part in prepared.search.find(is_selected):
            source = part.plan.source
            if part.kind == "stored":
                counts.points[source] = counts.points.get(source, 0) + len(part.points.points.time)
            elif part.kind == "uncertain":
                counts.doubts[source] = UNCERTAIN
        counts.doubts.update((name, why) for name, why in doubts_of(prepared.loads) if is_selected(name))
    return counts


def doubts_of(loads: Loads) -> Iterator[tuple[str, str]]:
    """Yield the objects that may have left points that the search did not find, and why."""
    for name in loads.not_judged:
        yield name, "files of a newer revision may still arrive"
    for name in loads.unknown:
        yield name, "a replaced version has no footprint"
    if loads.not_checkable:
        for load in loads.replaced:
            yield load.item["object"], "current files have no footprint: run `loader footprints`"


def _datasets_under(prefix: str) -> list[str]:
    """Return the datasets that may have files under a prefix: one if it names it."""
    try:
        return [dataset_of(prefix).name]
    except UnknownDatasetError:
        return list(DATASETS)


def _time(deployment: Deployment) -> datetime:
    """Return the time, by AWS's clock if this machine's differs from it.

    A deletion compares it with the times of loads, which are AWS's. Those after it must not seem to be before it, and
    those before it not after it.
    """
    reply = deployment.s3.list_objects_v2(Bucket=deployment.work_bucket, MaxKeys=1)
    return limit_time(datetime.now(UTC), reply["ResponseMetadata"]["HTTPHeaders"].get("date", ""))


def limit_time(now: datetime, date: str) -> datetime:
    """Return a time within the second of the date of a reply, which has whole seconds; "" if there is none.

    >>> now, date = datetime(2024, 1, 31, 12, 0, 5, 700_000, UTC), "Wed, 31 Jan 2024 12:00:%02d GMT"
    >>> limit_time(now, date % 5) == limit_time(now, "") == now
    True
    >>> [f"{limit_time(now, date % second):%T}" for second in (2, 20)]
    ['12:00:03', '12:00:20']
    """
    if not date:
        return now
    first = parsedate_to_datetime(date)
    return max(first, min(now, first + timedelta(seconds=1)))


def _prepare(deployment: Deployment, bucket: str, measurement: str, default: str) -> PreparedSearch:
    read_at = _time(deployment)
    items = list(every_item(deployment.ledger, measurement, datasets_of(measurement, bucket, default)))
    place = Measurement(bucket, measurement, latest_bucket_id(items))
    return prepare_search(deployment, place, items, read_at)


def prepare_search(
    deployment: Deployment, place: Measurement, items: list[LedgerItem], read_at: datetime
) -> PreparedSearch:
    """Return the search in a measurement with these items of the ledger, which were read after `read_at`."""
    plans = plans_of(Footprints(deployment.s3, deployment.work_bucket), items, in_bulk=True)
    loads = sort_loads(items, plans, read_at, stale_pause(deployment))
    search = StaleSearch(deployment.s3, deployment.work_bucket, place, loads)
    return PreparedSearch(place, loads, search, items, read_at)


def stale_pause(deployment: Deployment) -> timedelta:
    """Return for how long no file of a revision must have arrived before the revision before is judged."""
    return timedelta(seconds=stale_pause_s(deployment.stale_environment()))
