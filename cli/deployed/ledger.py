"""What the ledger knows of past loads, the last changes first."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from heapq import merge
from typing import Any, Self, cast

from boto3.dynamodb.conditions import Attr, ConditionBase, Key

from cli.deployed.reports import reports
from cli.deployed.stack import Deployment
from cli.errors import RefusedError
from cli.targets import parse_prefix
from shared.datasets import DATASETS
from shared.ledger import CHANGES, STATUSES, LedgerItem, is_newer, object_name, version_id_of
from shared.work_bucket import UNPLANNED

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

PAGE = 200


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a person asked for; "" and None leave everything in. `objects` is how the names begin."""

    objects: str = "s3://"
    status: str = ""
    dataset: str = ""
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One version of one object. `version_id` is "" where S3 keeps no versions, or the load failed before it was known.

    `changed_at` is when it was claimed or settled; `lease_until` stands only while it is claimed.
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

    @classmethod
    def of_item(cls, item: LedgerItem) -> Self:
        """As the ledger has it."""
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
        )

    def abandoned(self, now: datetime) -> bool:
        """Claimed by an execution that never came to an end, and may no longer."""
        return self.lease_until is not None and self.lease_until < now


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def entries(deployment: Deployment, wanted: Filter) -> Iterator[Entry]:
    """The last change first; read as far as they are taken. The index follows the table within a second or so."""
    statuses = (wanted.status,) if wanted.status else STATUSES
    found = [_changes(deployment, status, wanted) for status in statuses]
    if "failed" in statuses:
        found.append(_unpinned(deployment, wanted))
    return merge(*found, key=lambda entry: entry.changed_at, reverse=True)


def newest(deployment: Deployment, name: str) -> Entry:
    """The newest version of an object that the ledger knows; of two of one second, the one that changed last."""
    items = sorted(_query(deployment, Key("object").eq(name), ConsistentRead=True), key=lambda item: item["changed_at"])
    return Entry.of_item(reduce(lambda last, item: last if is_newer(last, item) else item, items))


def _changes(deployment: Deployment, status: str, wanted: Filter) -> Iterator[Entry]:
    """Of one status, by the index. What the filter leaves out is read all the same."""
    condition: ConditionBase = Key("status").eq(status)
    if wanted.since:
        condition &= Key("changed_at").gte(f"{wanted.since:%Y-%m-%dT%H:%M:%S}")
    filters: ConditionBase = Attr("object").begins_with(wanted.objects)
    if wanted.dataset:
        filters &= Attr("dataset").eq(wanted.dataset)
    found = _query(deployment, condition, IndexName=CHANGES, ScanIndexForward=False, FilterExpression=filters)
    return map(Entry.of_item, found)


def _query(deployment: Deployment, condition: ConditionBase, **more: Any) -> Iterator[LedgerItem]:
    table = deployment.ledger
    paginator: Any = table.meta.client.get_paginator("query")  # a resource's client takes conditions, its types do not
    pages = paginator.paginate(
        TableName=table.name, KeyConditionExpression=condition, PaginationConfig={"PageSize": PAGE}, **more
    )
    yield from cast("Iterator[LedgerItem]", (item for page in pages for item in page["Items"]))


def _unpinned(deployment: Deployment, wanted: Filter) -> Iterator[Entry]:
    """Loads that failed before their version was known: no item can name it, but they have reports."""
    for changed_at, key in sorted(reports(deployment, f"reports/{UNPLANNED}/{UNPLANNED}/"), reverse=True):
        if wanted.since and changed_at < wanted.since:
            return
        entry = _of_report(key, changed_at, deployment.work_json(key))
        if entry.object.startswith(wanted.objects) and (
            not wanted.dataset or f"/dataset={wanted.dataset}/" in entry.object
        ):
            yield entry


def _of_report(key: str, changed_at: datetime, report: dict[str, Any]) -> Entry:
    """An event that could not be read names no object."""
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


def filter_of(deployment: Deployment, prefix: str, *, status: str = "", dataset: str = "", since: str = "") -> Filter:
    """Raises RefusedError for words that mean nothing."""
    if status not in ("", *STATUSES):
        raise RefusedError(f"no status {status!r}: there are {', '.join(STATUSES)}")
    if dataset not in ("", *DATASETS):
        raise RefusedError(f"no dataset {dataset!r}: there are {', '.join(DATASETS)}")
    moment = parse_since(since)
    objects = parse_prefix(prefix, deployment.source_bucket).address if prefix else Filter.objects
    return Filter(objects=objects, status=status, dataset=dataset, since=moment)


def parse_since(since: str) -> datetime | None:
    """`90m`, `2d`, or an ISO 8601 time (UTC unless it says otherwise); None for "". Raises RefusedError."""
    if not since:
        return None
    if ago_given := re.fullmatch(r"(\d{1,6})([smhdw])", since):
        return datetime.now(UTC) - timedelta(**{UNITS[ago_given[2]]: int(ago_given[1])})
    try:
        given = datetime.fromisoformat(since)
    except ValueError as error:
        raise RefusedError(f"{since!r} is no time: write 90m, 6h, 2d, or 2024-01-31T12:00") from error
    return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)
