"""A chunk in the work bucket, staged as ConvertAndChunk does it, and its writing by WriteBatch."""

import gzip
from collections.abc import Sequence
from hashlib import sha256
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from functions.write_batch.handler import lambda_handler
from shared.events import ChunkProgress, ChunkRef
from shared.outages import NO_OUTAGE
from shared.settings import work_bucket
from shared.stored import Batch, ChunkOutcome, Manifest
from shared.work_bucket import chunk_key, get_json, manifest_key, outcome_key, put_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHUNK = "0000-0000"
CHUNK_PATH = ("0123456789abcdef", "run-1", CHUNK)
"""The load, execution and chunk from which the chunk's keys are derived."""


def points(count: int, first: int = 0) -> list[bytes]:
    """Return lines of line protocol, each with its number as value and time."""
    return [b"m,t=a f=%d %d" % (number, number) for number in range(first, first + count)]


def gzip_members(batches: Sequence[Sequence[bytes]]) -> list[bytes]:
    """Return one gzip member for each batch."""
    return [gzip.compress(b"\n".join(lines) + b"\n", 1, mtime=0) for lines in batches]


def stage(s3: "S3Client", *batches: Sequence[bytes]) -> ChunkRef:
    """Store a chunk and its manifest, in which line n of the chunk comes from row 2n of the file."""
    staged = gzip_members(batches)
    s3.put_object(Bucket=work_bucket(), Key=chunk_key(*CHUNK_PATH), Body=b"".join(staged))
    manifest, offset, row = Manifest(batches=[]), 0, 0
    for lines, member in zip(batches, staged, strict=True):
        rows = [[2 * number, 1] for number in range(row, row + len(lines))]
        manifest["batches"].append(Batch(offset=offset, length=len(member), points=len(lines), rows=rows))
        offset, row = offset + len(member), row + len(lines)
    put_json(s3, manifest_key(*CHUNK_PATH), manifest)
    return ChunkRef(
        load_id=CHUNK_PATH[0],
        execution=CHUNK_PATH[1],
        chunk=CHUNK,
        bucket="source",
        key="dataset=generation/a.parquet",
        dataset="generation",
        sha256=sha256(b"".join(staged)).hexdigest(),
        points=row,
        outage=NO_OUTAGE,
    )


def write(ref: ChunkRef, context: SimpleNamespace) -> ChunkProgress:
    """Invoke WriteBatch once."""
    return lambda_handler(ref, context)  # type: ignore[arg-type]


def outcome(s3: "S3Client") -> ChunkOutcome:
    """Return the outcome that the invocations stored."""
    return cast(ChunkOutcome, get_json(s3, outcome_key(*CHUNK_PATH)))
