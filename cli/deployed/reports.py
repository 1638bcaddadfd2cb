"""The reports of loads that have ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from cli.deployed.stack import Deployment
from shared.events import FileRef
from shared.load_totals import Outcomes
from shared.responses import LoadData, LoadReport, Response


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


def load_report(deployment: Deployment, key: str) -> LoadReport:
    """Return the JSON report of a load. Raises NotFoundError if it does not exist."""
    return cast("LoadReport", deployment.work_json(key))


def reports(deployment: Deployment, prefix: str) -> Iterator[tuple[datetime, str]]:
    """Yield the time and key of each report whose key starts with `prefix`."""
    pages = deployment.s3.get_paginator("list_objects_v2").paginate(Bucket=deployment.work_bucket, Prefix=prefix)
    for item in (item for page in pages for item in page.get("Contents", [])):
        if item["Key"].endswith(".json"):
            yield item["LastModified"], item["Key"]
