"""The progress of a running load, from the outcomes that its functions store in the work bucket.

Step Functions does not tell how far a Map state has come, but every part and every chunk has an outcome in S3.
"""

import json
import time
from typing import Any, NamedTuple, cast

from cli.deployed.ledger import Filter, entries
from cli.deployed.stack import Deployment
from shared.accounts import chunk_accounts
from shared.stored import ChunkOutcome, PartOutcome
from shared.work_bucket import outcomes_prefix

INTERVAL_S = 2.0
"""The time between two looks into the work bucket, each of which lists and reads what changed."""


class LoadProgress(NamedTuple):
    """The progress of a load.

    Attributes:
        rows: the number of rows that are converted.
        chunks: the number of chunks that the converted parts have.
        points: the number of points in these chunks.
        finished_chunks: the number of chunks that are written.
        settled_points: the number of points that InfluxDB stored or rejected.
    """

    rows: int
    chunks: int
    points: int
    finished_chunks: int
    settled_points: int


class ProgressReader:
    """Reads the progress of one load, at most once every `INTERVAL_S`."""

    def __init__(self, deployment: Deployment, arn: str) -> None:
        self._deployment, self._arn = deployment, arn
        self._prefix = ""
        self._outcomes: dict[str, tuple[str, dict[str, Any]]] = {}
        self._next_look = 0.0

    def read(self) -> LoadProgress | None:
        """Return the progress; None before the first outcome."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + INTERVAL_S
            self._prefix = self._prefix or self._find_prefix()
            if self._prefix:
                self._read_changes()
        return _progress([content for _, content in self._outcomes.values()]) if self._outcomes else None

    def _find_prefix(self) -> str:
        """Return the prefix of the outcomes, which the ledger tells once the load has claimed its version; else ""."""
        claims = entries(self._deployment, Filter(status="claimed"))
        load_id = next((entry.load_id for entry in claims if entry.execution == self._arn), "")
        return outcomes_prefix(load_id, self._arn.rpartition(":")[2]) if load_id else ""

    def _read_changes(self) -> None:
        pages = self._deployment.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._deployment.work_bucket, Prefix=self._prefix
        )
        for item in (item for page in pages for item in page.get("Contents", [])):
            if self._outcomes.get(item["Key"], ("",))[0] != item["ETag"]:
                content = json.loads(self._deployment.work_object(item["Key"]))
                self._outcomes[item["Key"]] = item["ETag"], content


def _progress(outcomes: list[dict[str, Any]]) -> LoadProgress:
    parts = [cast("PartOutcome", outcome) for outcome in outcomes if "part" in outcome]
    chunks = [cast("ChunkOutcome", outcome) for outcome in outcomes if "chunk" in outcome]
    accounts = [chunk_accounts(chunk) for chunk in chunks]
    return LoadProgress(
        rows=sum(part["rows"] for part in parts),
        chunks=sum(len(part["chunks"]) for part in parts),
        points=sum(chunk["points"] for part in parts for chunk in part["chunks"]),
        finished_chunks=sum(len(chunk["written"]) == chunk["batches"] for chunk in chunks),
        settled_points=sum(account.stored + account.rejected for account in accounts),
    )
