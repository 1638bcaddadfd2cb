"""What the ledger and the executions know of every file: loaded, failed, skipped, or on its way."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cli.deployment import Deployment
from cli.executions import describe


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One version of one object. `settled_at` is None while its load runs; times are in UTC."""

    object: str
    status: str
    dataset: str
    load_id: str
    execution: str
    claimed_at: datetime
    settled_at: datetime | None
    input_rows: int
    points_written: int
    error: str
    message: str
    report: str


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a person asked for; "" and None leave everything in."""

    prefix: str = ""
    status: str = ""
    dataset: str = ""
    since: datetime | None = None

    def takes(self, entry: Entry) -> bool:
        """Whether the entry is asked for. A prefix counts from the bucket on, with or without s3://."""
        return (
            entry.object.removeprefix("s3://").startswith(self.prefix.removeprefix("s3://"))
            and self.status in ("", entry.status)
            and self.dataset in ("", entry.dataset)
            and (self.since is None or entry.claimed_at >= self.since)
        )


def entries(deployment: Deployment, wanted: Filter) -> list[Entry]:
    """The newest first. What failed before it could be claimed is known from its execution alone."""
    claimed = [_of_item(item) for item in deployment.ledger_items()]
    known = {entry.execution for entry in claimed}
    found = (*claimed, *_unclaimed(deployment, known))
    return sorted(filter(wanted.takes, found), key=lambda entry: entry.claimed_at, reverse=True)


def last_of_each(found: Iterable[Entry]) -> dict[str, Entry]:
    """Object → its newest entry; `found` begins with the newest."""
    last: dict[str, Entry] = {}
    for entry in found:
        last.setdefault(entry.object, entry)
    return last


def _of_item(item: dict[str, Any]) -> Entry:
    """A skipped version may never have been claimed."""
    settled_at = datetime.fromisoformat(item["settled_at"]) if "settled_at" in item else None
    return Entry(
        object=item["object"],
        status=item["status"],
        dataset=item.get("dataset", ""),
        load_id=item.get("load_id", ""),
        execution=item["execution"],
        claimed_at=datetime.fromisoformat(item["claimed_at"]) if "claimed_at" in item else settled_at or _NEVER,
        settled_at=settled_at,
        input_rows=int(item.get("input_rows", 0)),
        points_written=int(item.get("points_written", 0)),
        error=item.get("error", ""),
        message=item.get("message", ""),
        report=item.get("report", ""),
    )


_NEVER = datetime.fromisoformat("1970-01-01T00:00:00Z")


def _unclaimed(deployment: Deployment, known: set[str]) -> Iterator[Entry]:
    """Executions that failed and are in no item of the ledger; Step Functions keeps them for 90 days."""
    pages = deployment.stepfunctions.get_paginator("list_executions").paginate(
        stateMachineArn=deployment.machine, statusFilter="FAILED"
    )
    for listed in (item for page in pages for item in page["executions"]):
        if listed["executionArn"] not in known:
            execution = describe(deployment.stepfunctions, listed["executionArn"])
            data = execution.answer.get("data", {})
            yield Entry(
                object=f"s3://{data.get('bucket', '')}/{data.get('key', '')}",
                status="failed",
                dataset=data.get("dataset_type") or "",
                load_id=data.get("load_id", ""),
                execution=execution.arn,
                claimed_at=listed["startDate"],
                settled_at=listed.get("stopDate"),
                input_rows=0,
                points_written=0,
                error=execution.error,
                message=execution.answer.get("message", ""),
                report=data.get("report", ""),
            )
