"""What the executions tell of every file: loaded, failed, skipped, or on its way. They are kept for 90 days."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from cli.deployment import Deployment
from cli.executions import Execution, describe

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import ExecutionListItemTypeDef


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One load of one object. `ended_at` is None while it runs; times are in UTC."""

    object: str
    status: str
    dataset: str
    load_id: str
    execution: str
    started_at: datetime
    ended_at: datetime | None
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
            and (self.since is None or entry.started_at >= self.since)
        )


def entries(deployment: Deployment, wanted: Filter) -> list[Entry]:
    """The newest first, as Step Functions lists them."""
    pages = deployment.stepfunctions.get_paginator("list_executions").paginate(stateMachineArn=deployment.machine)
    listed = (item for page in pages for item in page["executions"])
    found = (_of_execution(deployment, item) for item in listed)
    return sorted(filter(wanted.takes, found), key=lambda entry: entry.started_at, reverse=True)


def last_of_each(found: Iterable[Entry]) -> dict[str, Entry]:
    """Object → its newest entry; `found` begins with the newest."""
    last: dict[str, Entry] = {}
    for entry in found:
        last.setdefault(entry.object, entry)
    return last


def _of_execution(deployment: Deployment, listed: "ExecutionListItemTypeDef") -> Entry:
    execution = describe(deployment.stepfunctions, listed["executionArn"])
    data = execution.answer.get("data", {})
    return Entry(
        object=f"s3://{data.get('bucket', '')}/{data.get('key', execution.key)}",
        status=_status(execution),
        dataset=data.get("dataset_type") or "",
        load_id=data.get("load_id", ""),
        execution=execution.arn,
        started_at=listed["startDate"],
        ended_at=listed.get("stopDate"),
        input_rows=data.get("conversion_stats", {}).get("input_rows", 0),
        points_written=data.get("points_written", 0),
        error=execution.error,
        message="" if _status(execution) == "loaded" else execution.answer.get("message", ""),
        report=data.get("report", ""),
    )


def _status(execution: Execution) -> str:
    if execution.status == "SUCCEEDED":
        return "skipped" if execution.answer.get("message", "").startswith("Skipped") else "loaded"
    return "running" if execution.status == "RUNNING" else "failed"
