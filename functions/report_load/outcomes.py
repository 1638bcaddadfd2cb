"""The outcomes of a load's parts and chunks: read from the work bucket, and checked against each other."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, cast

from shared.errors import AccountingError
from shared.load_totals import Outcomes
from shared.settings import work_bucket
from shared.stored import ChunkOutcome, PartOutcome
from shared.work_bucket import get_json, outcomes_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

READERS = 16
"""How many outcomes to read in parallel. A load has at most about 840."""


def check_accounts(outcomes: Outcomes, rows: int) -> None:
    """Check that each row of the file is counted exactly once, and that each point was written or rejected.

    Args:
        outcomes: The outcomes of the load.
        rows: The number of rows that the footer states.

    Raises:
        AccountingError: The numbers differ.
    """
    counted = outcomes.points + outcomes.collapsed + sum(outcomes.set_aside.values())
    sent = outcomes.points_written + outcomes.points_rejected
    converted = sum(part["rows"] for part in outcomes.parts)
    if not (rows == converted == counted and sent == outcomes.points):
        raise AccountingError(
            f"the file has {rows} rows, {converted} were converted, {counted} are accounted for; "
            f"{outcomes.points} points were staged, {sent} are accounted for: report this as a bug"
        )


def read_outcomes(client: "S3Client", load_id: str, execution: str) -> Outcomes:
    """Return all outcomes that an execution stored. An execution that failed early has none."""
    with ThreadPoolExecutor(READERS) as readers:
        keys = list(_keys(client, outcomes_prefix(load_id, execution)))
        stored = dict(zip(keys, readers.map(lambda key: get_json(client, key), keys), strict=True))
    # "0000.json" is the outcome of a part, "0000-0003.json" of a chunk.
    is_chunk = {key: "-" in PurePosixPath(key).stem for key in keys}
    return Outcomes(
        parts=cast("list[PartOutcome]", [stored[key] for key in keys if not is_chunk[key]]),
        chunks=cast("list[ChunkOutcome]", [stored[key] for key in keys if is_chunk[key]]),
    )


def _keys(client: "S3Client", prefix: str) -> Iterable[str]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=work_bucket(), Prefix=prefix):
        yield from (item["Key"] for item in page.get("Contents", []))
