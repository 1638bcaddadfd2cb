"""The ledger as `loader history` and `loader retry` read it: past loads, filtered, with the last change first.

`filter_of` reads what the operator asks for. `entries` merges one query per status, and the reports of loads that
failed before their version was known, which the ledger cannot hold. `newest` reads one object's newest version.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from typing import Any, Self, cast

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from cli.deployed.declarations import use_deployed_datasets
from cli.deployed.reports import load_report, reports
from cli.deployed.stack import Deployment
from cli.errors import RefusedError
from cli.targets import check_dataset, parse_prefix
from cli.times import parse_time
from shared.dataset_keys import datasets_of
from shared.healing import next_try_at
from shared.ledger import CHANGES, STATUSES, LedgerItem, bucket_and_key, newest_of, object_name, version_id_of
from shared.responses import LoadReport
from shared.work_bucket import UNPLANNED

PARTLY_LOADED = "partly-loaded"
"""The status option that selects loaded versions of which some rows or points are missing."""

PAGE = 200

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""The span of all times of changes, for a filter with only one of `since` and `until`."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """The loads that an operator asks for. `objects` is the start of their s3:// addresses; "" and None mean all."""

    objects: str = "s3://"
    status: str = ""
    verdict: str = ""
    dataset: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One version of one object.

    `version_id` is "" in an unversioned bucket, or if the load failed before the version was known.
    `changed_at` is when the version was claimed, settled, withdrawn, or undone, and `load_ended_at` is when its load
    ended, if it was withdrawn or undone since; `lease_until` is set only while it is claimed.
    `bucket_id` is the id of the InfluxDB bucket that it was loaded into last; "" if it was not checkable.
    `verdict` is "" if the version is not loaded, or an earlier release loaded it. `tries` counts the loads that began
    since it was loaded last, and `next_try_at` is when the sweep loads it again, if it does and sweeps are on.
    """

    object: str
    version_id: str
    status: str
    dataset: str
    load_id: str
    execution: str
    claimed_at: datetime | None
    changed_at: datetime
    lease_until: datetime | None
    input_rows: int
    points_written: int
    error: str
    message: str
    report: str
    bucket_id: str = ""
    verdict: str = ""
    tries: int = 0
    next_try_at: datetime | None = None
    load_ended_at: datetime | None = None

    @classmethod
    def of_item(cls, item: LedgerItem) -> Self:
        """Return the entry of a DynamoDB item."""
        return cls(
            object=item["object"],
            version_id=version_id_of(item),
            status=item["status"],
            dataset=item["dataset"],
            load_id=item["load_id"],
            execution=item["execution"],
            claimed_at=_time(item.get("claimed_at")),
            changed_at=datetime.fromisoformat(item["changed_at"]),
            lease_until=_time(item.get("lease_until")),
            input_rows=int(item.get("input_rows", 0)),
            points_written=int(item.get("points_written", 0)),
            error=item.get("error", ""),
            message=item.get("message", ""),
            report=item.get("report", ""),
            bucket_id=item.get("bucket_id", ""),
            verdict=item.get("verdict", ""),
            tries=int(item.get("tries", 0)),
            next_try_at=next_try_at(item),
            load_ended_at=_time(item.get("load_ended_at")),
        )

    def abandoned(self, now: datetime) -> bool:
        """Return whether the execution that claimed this version let its lease expire without settling it."""
        return self.lease_until is not None and self.lease_until < now


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def entries(deployment: Deployment, filter_: Filter) -> Iterator[Entry]:
    """Yield the loads that match, last change first.

    Queries are made as entries are consumed. The index lags behind the table by about a second.
    """
    statuses = (filter_.status,) if filter_.status else STATUSES
    sources = [_changes(deployment, status, filter_) for status in statuses]
    if "failed" in statuses:
        sources.append(_unpinned(deployment, filter_))
    return merge(*sources, key=lambda entry: entry.changed_at, reverse=True)


def newest(deployment: Deployment, name: str) -> Entry:
    """Return the newest version of an object that the ledger has."""
    item = newest_ledger_item(deployment, name)
    if item is None:
        raise LookupError(name)
    return Entry.of_item(item)


def newest_ledger_item(deployment: Deployment, name: str) -> LedgerItem | None:
    """Return the item of the newest version of an object; None if the ledger does not have the object."""
    return newest_of(ledger_items(deployment, name))


def ledger_items(deployment: Deployment, name: str) -> list[LedgerItem]:
    """Return the items of all versions of an object."""
    return list(_query(deployment, Key("object").eq(name), ConsistentRead=True))


def entry_of_version(deployment: Deployment, name: str, version: str) -> Entry | None:
    """Return one version of an object, as the ledger names both; None if the ledger does not have it."""
    condition = Key("object").eq(name) & Key("version").eq(version)
    return next(map(Entry.of_item, _query(deployment, condition, ConsistentRead=True)), None)


def _changes(deployment: Deployment, status: str, filter_: Filter) -> Iterator[Entry]:
    return map(Entry.of_item, items_with_status(deployment, status, filter_))


def items_with_status(deployment: Deployment, status: str, filter_: Filter) -> Iterator[LedgerItem]:
    """Yield the items of one status that match, last change first. `filter_.status` is not used."""
    # The index has status and time as its key. The other conditions filter after reading, so they save no capacity.
    condition: ConditionBase = Key("status").eq(status)
    if filter_.since or filter_.until:
        span = (filter_.since or _FIRST, filter_.until or _LAST)
        condition &= Key("changed_at").between(*(f"{time:%Y-%m-%dT%H:%M:%S}" for time in span))
    conditions: ConditionBase = Attr("object").begins_with(filter_.objects)
    if filter_.verdict:
        conditions &= Attr("verdict").eq(filter_.verdict)
    if filter_.dataset:
        conditions &= Attr("dataset").eq(filter_.dataset)
    return _query(deployment, condition, IndexName=CHANGES, ScanIndexForward=False, FilterExpression=conditions)


def _query(deployment: Deployment, condition: ConditionBase, **options: Any) -> Iterator[LedgerItem]:
    table = deployment.ledger
    # The client of a resource accepts conditions, but its type stubs do not say so.
    paginator: Any = table.meta.client.get_paginator("query")
    pages = paginator.paginate(
        TableName=table.name, KeyConditionExpression=condition, PaginationConfig={"PageSize": PAGE}, **options
    )
    yield from cast("Iterator[LedgerItem]", (item for page in pages for item in page["Items"]))


def _unpinned(deployment: Deployment, filter_: Filter) -> Iterator[Entry]:
    """Yield loads that failed before their version was known. The ledger has no items for them, but S3 has reports."""
    for changed_at, key in sorted(reports(deployment, f"reports/{UNPLANNED}/{UNPLANNED}/"), reverse=True):
        if filter_.since and changed_at < filter_.since:
            return
        if filter_.until and changed_at > filter_.until:
            continue
        entry = _entry_of_report(key, changed_at, load_report(deployment, key))
        names = [dataset.name for dataset in datasets_of(bucket_and_key(entry.object)[1])]
        if entry.object.startswith(filter_.objects) and (not filter_.dataset or filter_.dataset in names):
            yield entry


def _entry_of_report(key: str, changed_at: datetime, report: LoadReport) -> Entry:
    # An event that could not be read names no object, so bucket and key may be absent.
    data = report["response"]["data"]
    return Entry(
        object=object_name(data.get("bucket", ""), data.get("key", "")),
        version_id=data.get("version_id", ""),
        status="failed",
        dataset="",
        load_id="",
        execution=report["execution"]["id"],
        claimed_at=None,
        changed_at=changed_at,
        lease_until=None,
        input_rows=0,
        points_written=0,
        error=data["error"],
        message=report["response"]["message"],
        report=key,
    )


def filter_of(
    deployment: Deployment, prefix: str, *, status: str = "", dataset: str = "", since: str = "", until: str = ""
) -> Filter:
    """Read the options of a command. Raises RefusedError if a status, dataset, time or prefix is not valid."""
    if status not in ("", PARTLY_LOADED, *STATUSES):
        raise RefusedError(f"unknown status {status!r}: use one of {', '.join((*STATUSES, PARTLY_LOADED))}")
    verdict = "partly loaded" if status == PARTLY_LOADED else ""
    if dataset:
        use_deployed_datasets(deployment)
        check_dataset(dataset)
    objects = parse_prefix(prefix, deployment.source_bucket).address if prefix else Filter.objects
    status = "loaded" if verdict else status
    start, end = parse_time(since), parse_time(until)
    return Filter(objects=objects, status=status, verdict=verdict, dataset=dataset, since=start, until=end)
