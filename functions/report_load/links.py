"""The links from the report of a load to the AWS console."""

from collections.abc import Iterator
from datetime import datetime

from shared.load_totals import Outcomes
from shared.pages.console_links import Console, ConsoleLink
from shared.responses import LoadReport
from shared.settings import log_groups, work_bucket
from shared.work_bucket import quarantine_prefix


def links(report: LoadReport, outcomes: Outcomes, now: datetime) -> list[ConsoleLink]:
    """Return the links to the execution, to its log lines, and to its quarantine if it has one."""
    console = Console.of_execution(report["execution"]["id"])
    return list(_links(console, report, outcomes, now)) if console else []


def _links(console: Console, report: LoadReport, outcomes: Outcomes, now: datetime) -> Iterator[ConsoleLink]:
    execution, data = report["execution"], report["response"]["data"]
    yield console.execution(execution["id"])
    if groups := log_groups():
        yield console.logs(groups, execution["name"], datetime.fromisoformat(execution["start_time"]), now)
    if data["dataset_type"] and "load_id" in data and (outcomes.set_aside or outcomes.points_rejected):
        prefix = quarantine_prefix(data["dataset_type"], data["load_id"], execution["name"])
        yield console.folder("Quarantine in S3", work_bucket(), prefix)
