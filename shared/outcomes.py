"""The outcomes that an execution stored, read from the work bucket."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, cast

from shared.load_totals import Outcomes
from shared.settings import work_bucket
from shared.stored import ChunkOutcome, PartOutcome
from shared.work_bucket import AGAIN, get_json, outcomes_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

READERS = 16
"""How many outcomes to read in parallel. A load has at most about 840."""


def read_outcomes(client: "S3Client", load_id: str, execution: str) -> Outcomes:
    """Return all outcomes that an execution stored. An execution that failed early has none."""
    with ThreadPoolExecutor(READERS) as readers:
        keys = list(_keys(client, outcomes_prefix(load_id, execution)))
        stored = dict(zip(keys, readers.map(lambda key: get_json(client, key), keys), strict=True))
    # "0000.json" is the outcome of a part, "0000-0003.json" of a chunk, "0000-0003-again-1.json" of one written again.
    chunks = [key for key in keys if "-" in PurePosixPath(key).stem]
    return Outcomes(
        parts=cast("list[PartOutcome]", [stored[key] for key in keys if key not in chunks]),
        chunks=cast("list[ChunkOutcome]", [stored[key] for key in chunks if AGAIN not in key]),
        chunks_again=cast("list[ChunkOutcome]", [stored[key] for key in chunks if AGAIN in key]),
    )


def _keys(client: "S3Client", prefix: str) -> Iterable[str]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=work_bucket(), Prefix=prefix):
        yield from (item["Key"] for item in page.get("Contents", []))
