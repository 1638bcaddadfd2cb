"""WORK_BUCKET: where everything lies that a load stages, sets aside and reports. Keys are derived, never passed."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from shared.settings import work_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UNPLANNED = "unplanned"
"""Stands for the load id of a load that failed before its file was pinned, and for a dataset that is not known."""


def _staging(load_id: str, execution: str) -> str:
    return f"staging/{load_id}/{execution}"


def chunk_key(load_id: str, execution: str, chunk: str) -> str:
    """The gzip members of a chunk, one a batch."""
    return f"{_staging(load_id, execution)}/chunks/{chunk}.lp.gz"


def manifest_key(load_id: str, execution: str, chunk: str) -> str:
    """Where the batches of a chunk lie: `shared.events.Manifest`."""
    return f"{_staging(load_id, execution)}/chunks/{chunk}.json"


def outcomes_prefix(load_id: str, execution: str) -> str:
    """All outcomes of an execution: `<part>.json` of ConvertAndChunk, `<part>-<chunk>.json` of WriteBatch."""
    return f"{_staging(load_id, execution)}/outcomes/"


def outcome_key(load_id: str, execution: str, work: str) -> str:
    """What became of one part or chunk."""
    return f"{outcomes_prefix(load_id, execution)}{work}.json"


def rows_quarantine_key(dataset: str, load_id: str, execution: str, part: int) -> str:
    """Rows that conversion set aside: Parquet, the original columns + source_row, rule, reason."""
    return f"quarantine/{dataset}/{load_id}/{execution}/rows-{part:04}.parquet"


def points_quarantine_key(dataset: str, load_id: str, execution: str, chunk: str) -> str:
    """Points that InfluxDB refused: gzipped JSON lines of source_row, line, status, message."""
    return f"quarantine/{dataset}/{load_id}/{execution}/points-{chunk}.jsonl.gz"


def report_key(dataset: str, load_id: str, execution: str, suffix: Literal["json", "html"]) -> str:
    """The report of a load."""
    return f"reports/{dataset}/{load_id}/{execution}.{suffix}"


def findings_key(execution: str) -> str:
    """Every finding of a SchemaMismatchError: an error's message has room for some of them only."""
    return f"staging/findings/{execution}.json"


def backfill_report_key(execution: str) -> str:
    """The report of a backfill: which files are not loaded."""
    return f"backfills/{execution}.json"


def put_json(client: "S3Client", key: str, content: Mapping[str, Any]) -> None:
    """Store one JSON object in WORK_BUCKET."""
    client.put_object(Bucket=work_bucket(), Key=key, Body=json.dumps(content).encode(), ContentType="application/json")


def get_json(client: "S3Client", key: str) -> dict[str, Any]:
    """One JSON object of WORK_BUCKET. Raises botocore's ClientError when it is not there."""
    content: dict[str, Any] = json.loads(client.get_object(Bucket=work_bucket(), Key=key)["Body"].read())
    return content
