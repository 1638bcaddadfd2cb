"""The keys of the work bucket, where loads store staged chunks, outcomes, quarantine, footprints and reports.

All keys are derived with these functions, so events need not carry them. `put_json` and `get_json` store and read the
JSON objects of `shared/stored.py`.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from shared.settings import work_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BACKFILL_STAGING = "staging/backfills"
"""The prefix of a backfill's lists, and of its Map's results. They expire with the staged objects."""

UNPLANNED = "unplanned"
"""The load id of a load that failed before its file was pinned, and the dataset of a key that names none."""


def _staging(load_id: str, execution: str) -> str:
    return f"staging/{load_id}/{execution}"


def chunk_key(load_id: str, execution: str, chunk: str) -> str:
    """Return the key of a chunk: one gzip member for each batch."""
    return f"{_staging(load_id, execution)}/chunks/{chunk}.lp.gz"


def manifest_key(load_id: str, execution: str, chunk: str) -> str:
    """Return the key of a chunk's `Manifest`."""
    return f"{_staging(load_id, execution)}/chunks/{chunk}.json"


DISTINCT, REVISED, AGAIN = "-distinct", "-revised", "-again-"
"""The ends of the names of chunks that are staged again: without the rows that lose their place to later parts, without
the values that newer loads have, and after the end of an older load.
"""


def registration_key(load_id: str, execution: str) -> str:
    """Return the key of the `RegisteredLoad` of an execution."""
    return f"{_staging(load_id, execution)}/registration.json"


def outlasted_key(load_id: str, execution: str, number: int) -> str:
    """Return the key of the names of that many older registrations after whose end an execution wrote again."""
    return f"{_staging(load_id, execution)}/outlasted-{number}.json"


def overlaps_key(load_id: str, execution: str) -> str:
    """Return the key of the `OverlappingFiles` of an execution, which exists only if there are any."""
    return f"{_staging(load_id, execution)}/overlaps.json"


def series_prefix(load_id: str, execution: str) -> str:
    """Return the prefix of the series of an execution's parts, which exist only if a file has several parts."""
    return f"{_staging(load_id, execution)}/series/"


def series_key(load_id: str, execution: str, part: int) -> str:
    """Return the key of a part's series: one line for each, with measurement and tags as in line protocol, gzipped."""
    return f"{series_prefix(load_id, execution)}{part:04}.txt.gz"


def losing_rows_key(load_id: str, execution: str, part: int) -> str:
    """Return the key of a part's `LosingRows`, which exists only if there are any."""
    return f"{_staging(load_id, execution)}/losing/{part:04}.parquet"


def progress_key(load_id: str, execution: str) -> str:
    """Return the key of the `Findings` of an execution, which exist only if an invocation was too short."""
    return f"{_staging(load_id, execution)}/progress.json"


def outcomes_prefix(load_id: str, execution: str) -> str:
    """Return the prefix of an execution's outcomes: `<part>.json` of parts, `<part>-<number>.json` of chunks."""
    return f"{_staging(load_id, execution)}/outcomes/"


def outcome_key(load_id: str, execution: str, work: str) -> str:
    """Return the key of the outcome of one part or chunk."""
    return f"{outcomes_prefix(load_id, execution)}{work}.json"


def end_key(load_id: str, execution: str) -> str:
    """Return the key of the object that ends the writing of an execution: once it exists, WriteBatch sends nothing."""
    return f"{_staging(load_id, execution)}/end.json"


def quarantine_prefix(dataset: str, load_id: str, execution: str) -> str:
    """Return the prefix of an execution's quarantine, which exists only if it has rows or points."""
    return f"quarantine/{dataset}/{load_id}/{execution}/"


def rows_quarantine_key(dataset: str, load_id: str, execution: str, part: int) -> str:
    """Return the key of a part's rows that were set aside.

    The object is Parquet, with the original columns and source_row, rule and reason.
    """
    return f"{quarantine_prefix(dataset, load_id, execution)}rows-{part:04}.parquet"


def points_quarantine_key(dataset: str, load_id: str, execution: str, chunk: str) -> str:
    """Return the key of a chunk's points that InfluxDB rejected: each a `RejectedPoint`, as gzipped JSON lines."""
    return f"{points_quarantine_prefix(dataset, load_id, execution)}{chunk}.jsonl.gz"


def points_quarantine_prefix(dataset: str, load_id: str, execution: str) -> str:
    """Return the prefix of all points of an execution that InfluxDB rejected."""
    return f"{quarantine_prefix(dataset, load_id, execution)}points-"


def footprint_prefix(dataset: str, load_id: str, execution: str) -> str:
    """Return the prefix of an execution's footprint, which does not expire: one object for each part."""
    return f"footprints/{dataset}/{load_id}/{execution}/"


def footprint_key(dataset: str, load_id: str, execution: str, part: int) -> str:
    """Return the key of a part's footprint (`shared/footprints.py`)."""
    return f"{footprint_prefix(dataset, load_id, execution)}{part:04}.parquet"


def report_key(dataset: str, load_id: str, execution: str, suffix: Literal["json", "html"]) -> str:
    """Return the key of a load's report."""
    return f"reports/{dataset}/{load_id}/{execution}.{suffix}"


def findings_key(execution: str) -> str:
    """Return the key of all findings of a SchemaMismatchError, whose message has room for some of them only."""
    return f"staging/findings/{execution}.json"


def backfill_report_key(execution: str) -> str:
    """Return the key of a backfill's report, which lists the files that are not loaded."""
    return f"backfills/{execution}.json"


def backfill_page_key(execution: str) -> str:
    """Return the key of the page that belongs to a backfill's report."""
    return f"backfills/{execution}.html"


def file_list_key(execution: str, number: int) -> str:
    """Return the key of one of a backfill's lists of files to load: a `ListedFile` in each line, as JSON."""
    return f"{BACKFILL_STAGING}/{execution}/{number:04}.jsonl"


def list_summary_key(execution: str, number: int) -> str:
    """Return the key of the `ListSummary` of one of a backfill's lists."""
    return f"{BACKFILL_STAGING}/{execution}/{number:04}.json"


def file_manifest_key(name: str) -> str:
    """Return the key of a manifest: the keys of a backfill's files, sorted, one in each line."""
    return f"{BACKFILL_STAGING}/manifests/{name}.txt"


def put_json(client: "S3Client", key: str, content: Mapping[str, Any]) -> None:
    """Store a JSON object in the work bucket."""
    client.put_object(Bucket=work_bucket(), Key=key, Body=json.dumps(content).encode(), ContentType="application/json")


def put_page(client: "S3Client", key: str, content: str) -> None:
    """Store an HTML page in the work bucket."""
    client.put_object(Bucket=work_bucket(), Key=key, Body=content.encode(), ContentType="text/html; charset=utf-8")


def get_json(client: "S3Client", key: str) -> dict[str, Any]:
    """Return a JSON object of the work bucket. Raise botocore's ClientError if it does not exist."""
    content: dict[str, Any] = json.loads(client.get_object(Bucket=work_bucket(), Key=key)["Body"].read())
    return content
