"""A chunk as it was staged, checked before any of it is sent."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from shared.errors import ChunkDamagedError, SourceNotFoundError, SourceUnavailableError
from shared.events import ChunkRef
from shared.settings import work_bucket
from shared.source import source_errors
from shared.stored import Batch, Manifest
from shared.work_bucket import chunk_key, manifest_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class StagedBatch:
    """What one request writes: `body` is a gzip member, sent as it is."""

    number: int
    body: memoryview
    points: int
    rows: list[list[int]]

    def lines(self) -> list[bytes]:
        """One point each: neither a tag value nor a float holds a newline."""
        return gzip.decompress(self.body).removesuffix(b"\n").split(b"\n")

    def source_rows(self) -> Iterator[int]:
        """The row of the file that each line was made of, in order."""
        return chain.from_iterable(range(first, first + count) for first, count in self.rows)


def staged_batches(client: "S3Client", ref: ChunkRef) -> list[StagedBatch]:
    """All batches of the chunk.

    Raises ChunkDamagedError when something of it is gone or altered, SourceUnavailableError when S3 does not answer.
    """
    where = (ref["load_id"], ref["execution"], ref["chunk"])
    content = _fetched(client, chunk_key(*where))
    if sha256(content).hexdigest() != ref["sha256"]:
        raise ChunkDamagedError(f"chunk {ref['chunk']} is not what was staged: load the file again")
    manifest = _manifest(_fetched(client, manifest_key(*where)), ref, len(content))
    view = memoryview(content)
    return [
        StagedBatch(number, view[batch["offset"] : batch["offset"] + batch["length"]], batch["points"], batch["rows"])
        for number, batch in enumerate(manifest)
    ]


@retry(
    retry=retry_if_exception_type(SourceUnavailableError),
    wait=wait_random_exponential(0.2, max=5),
    stop=stop_after_attempt(4),
    reraise=True,
)
def _fetched(client: "S3Client", key: str) -> bytes:
    """Botocore retries answers but not bodies that break off, so the whole read is tried again."""
    try:
        with source_errors(work_bucket(), key):
            return client.get_object(Bucket=work_bucket(), Key=key)["Body"].read()
    except SourceNotFoundError as error:
        raise ChunkDamagedError(f"{key} is gone: load the file again") from error


def _manifest(content: bytes, ref: ChunkRef, size: int) -> list[Batch]:
    """The batches, which lie end to end and hold the chunk's points."""
    manifest: Manifest = json.loads(content)
    end = 0
    for batch in manifest["batches"]:
        if batch["offset"] != end or batch["points"] != sum(count for _, count in batch["rows"]):
            raise ChunkDamagedError(f"the manifest of chunk {ref['chunk']} contradicts itself: load the file again")
        end += batch["length"]
    if end != size or ref["points"] != sum(batch["points"] for batch in manifest["batches"]):
        raise ChunkDamagedError(f"the manifest of chunk {ref['chunk']} is not of this chunk: load the file again")
    return manifest["batches"]
