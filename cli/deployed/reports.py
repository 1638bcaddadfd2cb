"""Loads that have ended, as their reports tell of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from cli.deployed.executions import ABSENT, describe, execution_arn
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from shared.datasets import DATASETS
from shared.events import FileRef
from shared.load_totals import Outcomes
from shared.work_bucket import UNPLANNED

LEAST_DIGITS = 4


@dataclass(frozen=True, kw_only=True)
class Report:
    """A load report; `key` is where it lies in the work bucket."""

    key: str
    content: dict[str, Any]

    @property
    def response(self) -> dict[str, Any]:
        """The contract's answer."""
        response: dict[str, Any] = self.content["response"]
        return response

    @property
    def data(self) -> dict[str, Any]:
        """Of the answer."""
        data: dict[str, Any] = self.response["data"]
        return data

    @property
    def file(self) -> FileRef | None:
        """The pinned object; None where the load failed before."""
        file: FileRef | None = self.content["file"]
        return file

    @property
    def execution(self) -> str:
        """Its name."""
        return str(self.content["execution"]["name"])

    @property
    def outcomes(self) -> Outcomes:
        """Of its parts and chunks."""
        return Outcomes(parts=self.content["parts"], chunks=self.content["chunks"])


def find_report(deployment: Deployment, load: str) -> Report:
    """Of the last execution of a load id that begins so, or of the execution of that name or ARN.

    Raises NotFoundError, and RefusedError where several loads begin so.
    """
    key = _of_load(deployment, load) or _of_execution(deployment, load.rpartition(":")[2])
    return Report(key=key, content=deployment.work_json(key))


def _of_load(deployment: Deployment, load: str) -> str:
    if len(load) < LEAST_DIGITS or set(load) - set("0123456789abcdef"):
        return ""
    places = [*(f"{dataset}/{load}" for dataset in (*DATASETS, UNPLANNED)), f"{UNPLANNED}/{UNPLANNED}/{load}"]
    found = [item for place in places for item in reports(deployment, f"reports/{place}")]
    loads = {key.removeprefix(f"reports/{UNPLANNED}/{UNPLANNED}/").split("/")[-2:][0] for _, key in found}
    if len(loads) > 1:
        raise RefusedError(f"{len(loads)} loads begin with {load}: {', '.join(sorted(loads))}")
    return max(found)[1] if found else ""


def reports(deployment: Deployment, prefix: str) -> Iterator[tuple[datetime, str]]:
    """When, and where, of those whose keys begin so."""
    pages = deployment.s3.get_paginator("list_objects_v2").paginate(Bucket=deployment.work_bucket, Prefix=prefix)
    for item in (item for page in pages for item in page.get("Contents", [])):
        if item["Key"].endswith(".json"):
            yield item["LastModified"], item["Key"]


def _of_execution(deployment: Deployment, name: str) -> str:
    try:
        execution = describe(deployment.stepfunctions, execution_arn(deployment.machine, name))
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        told = f"no load begins with {name!r}, and no execution has that name: `loader history` lists the last loads"
        raise NotFoundError(told) from error
    if not execution.ended:
        raise RefusedError(f"{name} is still running ({execution.state}): ask again when it has ended")
    if not (key := execution.response.get("data", {}).get("report")):
        raise NotFoundError(f"{name} left no report: {execution.response.get('message', execution.status)}")
    return str(key)
