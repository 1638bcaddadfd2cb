"""The reports of loads that have ended, found by load ID or execution."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from cli.deployed.executions import find_execution
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from shared.datasets import DATASETS
from shared.events import FileRef
from shared.load_totals import Outcomes
from shared.responses import LoadData, LoadReport, Response
from shared.work_bucket import UNPLANNED

MIN_DIGITS = 4
"""How many characters of a load ID suffice to look for it."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """The report of a load. `key` is its key in the work bucket."""

    key: str
    content: LoadReport

    @property
    def response(self) -> Response[LoadData]:
        """The execution's response."""
        return self.content["response"]

    @property
    def data(self) -> LoadData:
        """The data of the response."""
        return self.response["data"]

    @property
    def file(self) -> FileRef | None:
        """The pinned object; None if the load failed before it pinned one."""
        return self.content["file"]

    @property
    def execution(self) -> str:
        """The name of the execution."""
        return self.content["execution"]["name"]

    @property
    def outcomes(self) -> Outcomes:
        """The outcomes of the load's parts and chunks."""
        again = self.content.get("chunks_again", [])
        return Outcomes(parts=self.content["parts"], chunks=self.content["chunks"], chunks_again=again)


def find_report(deployment: Deployment, load: str) -> Report:
    """Return the report of a load.

    Args:
        deployment: The stack that loaded it.
        load: The first characters of a load ID (its last execution counts), or the name or ARN of an execution.

    Raises:
        NotFoundError: There is no such load or execution, or it has no report.
        RefusedError: Several load IDs start with `load`, or the execution is still running.
    """
    key = _key_of_load(deployment, load) or _key_of_execution(deployment, load.rpartition(":")[2])
    return Report(key=key, content=load_report(deployment, key))


def load_report(deployment: Deployment, key: str) -> LoadReport:
    """Return the JSON report of a load. Raises NotFoundError if it does not exist."""
    return cast("LoadReport", deployment.work_json(key))


def reports(deployment: Deployment, prefix: str) -> Iterator[tuple[datetime, str]]:
    """Yield the time and key of each report whose key starts with `prefix`."""
    pages = deployment.s3.get_paginator("list_objects_v2").paginate(Bucket=deployment.work_bucket, Prefix=prefix)
    for item in (item for page in pages for item in page.get("Contents", [])):
        if item["Key"].endswith(".json"):
            yield item["LastModified"], item["Key"]


def _key_of_load(deployment: Deployment, load: str) -> str:
    if len(load) < MIN_DIGITS or set(load) - set("0123456789abcdef"):
        return ""
    prefixes = [*(f"{dataset}/{load}" for dataset in (*DATASETS, UNPLANNED)), f"{UNPLANNED}/{UNPLANNED}/{load}"]
    items = [item for prefix in prefixes for item in reports(deployment, f"reports/{prefix}")]
    loads = {key.removeprefix(f"reports/{UNPLANNED}/{UNPLANNED}/").split("/")[-2:][0] for _, key in items}
    if len(loads) > 1:
        raise RefusedError(f"{len(loads)} load IDs start with {load}, add more characters: {', '.join(sorted(loads))}")
    return max(items)[1] if items else ""


def _key_of_execution(deployment: Deployment, name: str) -> str:
    execution = find_execution(deployment.stepfunctions, deployment.machine, name)
    if execution is None:
        raise NotFoundError(
            f"no load ID starts with {name!r} and no execution has that name: `loader history` lists recent loads"
        )
    if not execution.ended:
        raise RefusedError(
            f"{name} is still running, in state {execution.state}: `loader watch {name}` shows its progress"
        )
    data = execution.load_data
    if not (key := data.get("report") if data else ""):
        raise NotFoundError(f"{name} has no report: {execution.message or execution.status}")
    return key
