"""The objects that a part stores in the work bucket.

Keys depend only on the load and the part, so a repeated conversion overwrites its own objects.
"""

import gzip
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, Self

import pyarrow as pa

from shared.events import PartRef
from shared.packed_batches import StagedChunk
from shared.settings import work_bucket
from shared.stored import PartOutcome
from shared.work_bucket import (
    chunk_key,
    footprint_key,
    manifest_key,
    outcome_key,
    put_json,
    rows_quarantine_key,
    series_key,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Staging(Protocol):
    """The destination of the objects of one part. `loader plan` and `loader verify` replace S3 with memory."""

    def put_chunk(self, chunk: str, staged: StagedChunk) -> None:
        """Store a chunk and its manifest."""

    def put_set_aside(self, parquet: bytes) -> None:
        """Store the rows that were set aside, as a Parquet file."""

    def put_series(self, keys: pa.Array) -> None:
        """Store measurement and tags of each series of the part, if it is one of several parts."""

    def put_footprint(self, parquet: bytes) -> None:
        """Store which points the part writes, as a Parquet file."""

    def put_outcome(self, outcome: PartOutcome) -> None:
        """Store the outcome of the part."""


class WorkBucketStaging:
    """The objects of one part of one execution in the work bucket.

    A chunk is uploaded while the next one is made. The outcome names all chunks, so it is stored after them.

    This is a context manager: entering it starts the thread of the uploads, and leaving it waits for the last upload.
    """

    def __init__(self, client: "S3Client", event: PartRef) -> None:
        self._client = client
        self._uploader = ThreadPoolExecutor(max_workers=1)
        self._upload: Future[None] | None = None
        self._load = (event["file"]["load_id"], event["execution"])
        self._dataset = event["file"]["dataset"]
        self._part = event["part"]["part"]

    def __enter__(self) -> Self:
        # Before the function limits its memory: a thread that has no room for its stack may never report its start.
        self._uploader.submit(int).result()
        return self

    def __exit__(self, *_: object) -> None:
        self._uploader.shutdown()

    def put_chunk(self, chunk: str, staged: StagedChunk) -> None:  # noqa: D102
        self._finish_upload()  # so that memory holds at most two chunks: this one, and the next
        self._upload = self._uploader.submit(self._put_chunk, chunk, staged)

    def _put_chunk(self, chunk: str, staged: StagedChunk) -> None:
        self._put(chunk_key(*self._load, chunk), staged.body)
        put_json(self._client, manifest_key(*self._load, chunk), staged.manifest)

    def _finish_upload(self) -> None:
        """Wait for the last upload, and raise its error if it failed."""
        if self._upload:
            self._upload.result()

    def put_set_aside(self, parquet: bytes) -> None:  # noqa: D102
        self._put(rows_quarantine_key(self._dataset, *self._load, self._part), parquet)

    def put_series(self, keys: pa.Array) -> None:  # noqa: D102
        lines = "\n".join(keys.to_pylist()).encode()
        self._put(series_key(*self._load, self._part), gzip.compress(lines, compresslevel=1, mtime=0))

    def put_footprint(self, parquet: bytes) -> None:  # noqa: D102
        self._put(footprint_key(self._dataset, *self._load, self._part), parquet)

    def put_outcome(self, outcome: PartOutcome) -> None:  # noqa: D102
        self._finish_upload()
        put_json(self._client, outcome_key(*self._load, f"{self._part:04}"), outcome)

    def _put(self, key: str, body: bytes) -> None:
        self._client.put_object(Bucket=work_bucket(), Key=key, Body=body)
