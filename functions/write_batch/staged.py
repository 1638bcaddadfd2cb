"""The batches of a staged chunk, checked before any of them is sent.

`staged_batches` reads the chunk and its manifest (`_read`), and checks both (`_check_manifest`): a damaged chunk must
not write a single point.
"""

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
    """One write request. `body` is a gzip member; `rows` are the source rows of its lines, as [first, count] ranges."""

    number: int
    body: memoryview
    points: int
    rows: list[list[int]]

    def lines(self) -> list[bytes]:
        """Return the lines, one for each point: neither a tag value nor a float contains a newline."""
        return gzip.decompress(self.body).removesuffix(b"\n").split(b"\n")

    def source_rows(self) -> Iterator[int]:
        """Return the source row of each line, in order."""
        return chain.from_iterable(range(first, first + count) for first, count in self.rows)


def staged_batches(client: "S3Client", ref: ChunkRef) -> list[StagedBatch]:
    """Return all batches of a chunk.

    Raises:
        ChunkDamagedError: The chunk or its manifest is missing or altered.
        SourceUnavailableError: S3 is unavailable.
    """
    names = (ref["load_id"], ref["execution"], ref["chunk"])
    content = _read(client, chunk_key(*names))
    if sha256(content).hexdigest() != ref["sha256"]:
        raise ChunkDamagedError(f"chunk {ref['chunk']} was altered after it was staged: load the file again")
    manifest = _check_manifest(_read(client, manifest_key(*names)), ref, len(content))
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
def _read(client: "S3Client", key: str) -> bytes:
    # botocore retries requests, but not a body that breaks off, so the whole read is retried.
    try:
        with source_errors(work_bucket(), key):
            return client.get_object(Bucket=work_bucket(), Key=key)["Body"].read()
    except SourceNotFoundError as error:
        raise ChunkDamagedError(f"{key} does not exist: load the file again") from error


def _check_manifest(content: bytes, ref: ChunkRef, size: int) -> list[Batch]:
    """Return the batches of a manifest. They must cover the chunk without gaps, and contain all of its points."""
    manifest: Manifest = json.loads(content)
    end = 0
    for batch in manifest["batches"]:
        if batch["offset"] != end or batch["points"] != sum(count for _, count in batch["rows"]):
            raise ChunkDamagedError(f"the manifest of chunk {ref['chunk']} is inconsistent: load the file again")
        end += batch["length"]
    if end != size or ref["points"] != sum(batch["points"] for batch in manifest["batches"]):
        raise ChunkDamagedError(f"the manifest of chunk {ref['chunk']} does not match its chunk: load the file again")
    return manifest["batches"]
