"""WriteBatch against a server that answers as each test says."""

import gzip
from collections.abc import Iterator, Sequence
from hashlib import sha256
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from functions.write_batch.handler import lambda_handler
from shared.events import Batch, ChunkRef, ChunkWritten, Manifest
from shared.work_bucket import chunk_key, get_json, manifest_key, outcome_key, put_json
from tests.functional.conftest import WORK
from tests.scripted_influx import ScriptedInflux, scripted_influx

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LOAD, EXECUTION, CHUNK = "0123456789abcdef", "run-1", "0000-0000"
WHERE = (LOAD, EXECUTION, CHUNK)


@pytest.fixture
def influx(s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedInflux]:
    with scripted_influx() as server:
        monkeypatch.setenv("INFLUXDB_URL", server.url)
        monkeypatch.setenv("INFLUXDB_ORG", "grid")
        monkeypatch.setenv("INFLUXDB_BUCKET", "ons")
        monkeypatch.setenv("INFLUXDB_TOKEN", "secret")
        monkeypatch.setenv("MAX_RETRIES", "1")
        yield server


def points(count: int, first: int = 0) -> list[bytes]:
    return [b"m,t=a f=%d %d" % (number, number) for number in range(first, first + count)]


def members(batches: Sequence[Sequence[bytes]]) -> list[bytes]:
    return [gzip.compress(b"\n".join(lines) + b"\n", 1, mtime=0) for lines in batches]


def stage(s3: "S3Client", batches: Sequence[Sequence[bytes]]) -> ChunkRef:
    """Put a chunk where ConvertAndChunk does; line n was made of row 2n."""
    staged = members(batches)
    manifest, offset, row = Manifest(batches=[]), 0, 0
    for lines, member in zip(batches, staged, strict=True):
        rows = [[2 * (row + number), 1] for number in range(len(lines))]
        manifest["batches"].append(Batch(offset=offset, length=len(member), points=len(lines), rows=rows))
        offset, row = offset + len(member), row + len(lines)
    s3.put_object(Bucket=WORK, Key=chunk_key(*WHERE), Body=b"".join(staged))
    put_json(s3, manifest_key(*WHERE), manifest)
    return ChunkRef(
        chunk=CHUNK,
        sha256=sha256(b"".join(staged)).hexdigest(),
        points=row,
        load_id=LOAD,
        dataset="generation",
        execution=EXECUTION,
        next_batch=0,
        waits=0,
    )


def write(ref: ChunkRef, context: SimpleNamespace) -> ChunkWritten:
    return lambda_handler(ref, context)  # type: ignore[arg-type]


def test_every_member_goes_out_as_it_was_staged(
    s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace
) -> None:
    batches = [points(3), points(2, first=3)]
    answer = write(stage(s3, batches), context)
    assert answer == {"chunk": CHUNK, "written": True, "next_batch": 2, "not_before": "", "waits": 0}
    assert sorted(request.body for request in influx.writes) == sorted(members(batches))
    assert influx.writes[0].query == {"org": "grid", "bucket": "ons", "precision": "ns"}
    assert influx.writes[0].headers["Content-Encoding"] == "gzip"


def test_the_outcome_says_what_was_written(s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace) -> None:
    write(stage(s3, [points(3), points(2, first=3)]), context)
    outcome = get_json(s3, outcome_key(*WHERE))
    assert outcome["written"] == {"0": 3, "1": 2}
    assert (outcome["points"], outcome["batches"], outcome["requests"]) == (5, 2, 2)
