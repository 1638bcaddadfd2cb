"""What the parts and chunks of a load left behind, read and checked."""

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
"""Outcomes read at once: a load has at most some 840."""


def check_accounts(outcomes: Outcomes, rows: int) -> None:
    """Every row of the file is in exactly one place, and every point was sent. Raises AccountingError."""
    places = outcomes.points + outcomes.collapsed + sum(outcomes.set_aside.values())
    sent = outcomes.points_written + outcomes.points_rejected
    converted = sum(part["rows"] for part in outcomes.parts)
    if not (rows == converted == places and sent == outcomes.points):
        raise AccountingError(
            f"the file has {rows} rows, {converted} were converted, {places} are accounted for; "
            f"{outcomes.points} points were staged, {sent} are accounted for: report this as a defect"
        )


def read_outcomes(client: "S3Client", load_id: str, execution: str) -> Outcomes:
    """All outcomes of an execution; none where it ended before the first."""
    with ThreadPoolExecutor(READERS) as readers:
        keys = list(_keys(client, outcomes_prefix(load_id, execution)))
        found = dict(zip(keys, readers.map(lambda key: get_json(client, key), keys), strict=True))
    of_chunk = {key: "-" in PurePosixPath(key).stem for key in keys}
    return Outcomes(
        parts=cast("list[PartOutcome]", [found[key] for key in keys if not of_chunk[key]]),
        chunks=cast("list[ChunkOutcome]", [found[key] for key in keys if of_chunk[key]]),
    )


def _keys(client: "S3Client", prefix: str) -> Iterable[str]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=work_bucket(), Prefix=prefix):
        yield from (item["Key"] for item in page.get("Contents", []))
