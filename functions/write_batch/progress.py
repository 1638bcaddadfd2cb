"""What became of a chunk's batches, kept in the work bucket over all invocations of one execution."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Literal, cast

from functions.write_batch.reasons import reasons
from functions.write_batch.sending import Sender
from functions.write_batch.staged import StagedBatch
from shared.errors import SourceNotFoundError
from shared.events import ChunkRef
from shared.influx_answers import Answer
from shared.logs import logger
from shared.settings import work_bucket
from shared.source import source_errors
from shared.stored import ChunkOutcome, RejectedPoint
from shared.times import span_since
from shared.work_bucket import get_json, outcome_key, points_quarantine_key, put_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Progress:
    """The outcome of a chunk so far, and its refused points by source row. Writers share it, each with its batches.

    `then` is what comes after this invocation, as in `shared.events.Run`.
    """

    def __init__(self, outcome: ChunkOutcome, refused: dict[int, RejectedPoint]) -> None:
        self.outcome = outcome
        self.refused = refused
        self.then: Literal["", "WaitForInflux"] = ""

    @property
    def batches_done(self) -> int:
        """Batches of which each point is written or refused."""
        return len(self.outcome["written"])

    @property
    def next_batch(self) -> int:
        """The first batch that is not done; later ones may be."""
        return next(number for number in count() if not self.is_done(number))

    def is_done(self, number: int) -> bool:
        """Whether each point of the batch is written or refused."""
        return str(number) in self.outcome["written"]

    def refuse(self, batch: StagedBatch, source_row: int, line: bytes, refusal: Answer) -> None:
        """Set one line of the batch aside."""
        so_far = self.outcome["refused"].get(str(batch.number), 0)
        self.outcome["refused"][str(batch.number)] = so_far + 1
        self.refused[source_row] = RejectedPoint(
            source_row=source_row,
            line=line.decode(errors="replace"),
            status=refusal.status,
            message=refusal.message,
        )

    def done(self, batch: StagedBatch) -> None:
        """Every point of the batch is written but those that were refused."""
        refused = self.outcome["refused"].get(str(batch.number), 0)
        self.outcome["written"][str(batch.number)] = batch.points - refused

    def add_requests(self, sent: Sender) -> None:
        """What this invocation sent."""
        self.outcome["requests"] += sent.requests
        self.outcome["latencies_ms"] = dict(sent.latencies_ms + Counter(self.outcome["latencies_ms"]))
        self.outcome["slowest_ms"] = max(self.outcome["slowest_ms"], sent.slowest_ms)


@contextmanager
def kept_progress(client: "S3Client", ref: ChunkRef) -> Iterator[Progress]:
    """What earlier invocations left, and a place for what this one adds: stored on every way out."""
    started_at, started = datetime.now(UTC), perf_counter()
    progress = _load(client, ref)
    try:
        yield progress
    finally:
        progress.outcome["seconds"] += round(perf_counter() - started, 3)
        progress.outcome["runs"].append({**span_since(started_at), "then": progress.then})
        progress.outcome["reasons"] = reasons(progress.refused)
        _store(client, ref, progress)


def _load(client: "S3Client", ref: ChunkRef) -> Progress:
    """A batch that was interrupted is sent again, so what was refused of it is found again."""
    key = outcome_key(ref["load_id"], ref["execution"], ref["chunk"])
    try:
        with source_errors(work_bucket(), key):
            stored = get_json(client, key)
    except SourceNotFoundError:
        return Progress(untouched(ref), {})
    outcome = cast(ChunkOutcome, untouched(ref) | stored)  # an earlier release may have left less
    outcome["refused"] = {
        number: points for number, points in outcome["refused"].items() if number in outcome["written"]
    }
    return Progress(outcome, _load_refused(client, ref) if outcome["refused"] else {})


def untouched(ref: ChunkRef) -> ChunkOutcome:
    """Of a chunk that nothing was sent of."""
    return ChunkOutcome(
        chunk=ref["chunk"],
        points=ref["points"],
        batches=0,
        written={},
        refused={},
        requests=0,
        latencies_ms={},
        slowest_ms=0.0,
        runs=[],
        seconds=0.0,
        not_before="",
        reasons=[],
    )


def _quarantine_key(ref: ChunkRef) -> str:
    return points_quarantine_key(ref["dataset"], ref["load_id"], ref["execution"], ref["chunk"])


def _load_refused(client: "S3Client", ref: ChunkRef) -> dict[int, RejectedPoint]:
    with source_errors(work_bucket(), _quarantine_key(ref)):
        content = client.get_object(Bucket=work_bucket(), Key=_quarantine_key(ref))["Body"].read()
    points: list[RejectedPoint] = [json.loads(line) for line in gzip.decompress(content).splitlines()]
    return {point["source_row"]: point for point in points}


def _store(client: "S3Client", ref: ChunkRef, progress: Progress) -> None:
    """The points first: an outcome that counts refused points can rely on them."""
    key = outcome_key(ref["load_id"], ref["execution"], ref["chunk"])
    with source_errors(work_bucket(), key):
        if progress.refused:
            client.put_object(Bucket=work_bucket(), Key=_quarantine_key(ref), Body=_json_lines(progress.refused))
        put_json(client, key, progress.outcome)
    logger.info(
        "outcome",
        batches_done=progress.batches_done,
        points_written=sum(progress.outcome["written"].values()),
        points_refused=len(progress.refused),
        requests=progress.outcome["requests"],
    )


def _json_lines(refused: Mapping[int, RejectedPoint]) -> bytes:
    """Gzipped, by source row."""
    points = (refused[source_row] for source_row in sorted(refused))
    return gzip.compress("".join(json.dumps(point, ensure_ascii=False) + "\n" for point in points).encode(), mtime=0)
