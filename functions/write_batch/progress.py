"""The progress of a chunk, which the work bucket keeps between the invocations of one execution.

`chunk_progress` loads the outcome that earlier invocations stored, and stores it again when its block ends, whatever
ended it. In between, writers record in `Progress` which batches are finished and which points InfluxDB rejected.
"""

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
    """The outcome of a chunk so far, and its rejected points by source row.

    Writers share it without a lock: each changes only the entries of its own batches.

    Attributes:
        outcome: The outcome to store.
        rejected: The rejected points by source row.
        then: The state that follows this invocation, as in `shared.stored.Run`.
    """

    def __init__(self, outcome: ChunkOutcome, rejected: dict[int, RejectedPoint]) -> None:
        self.outcome = outcome
        self.rejected = rejected
        self.then: Literal["", "WaitForInflux"] = ""

    @property
    def batches_done(self) -> int:
        """The number of finished batches: each of their points is written or rejected."""
        return len(self.outcome["written"])

    @property
    def next_batch(self) -> int:
        """The number of the first batch that is not finished. Later ones may be."""
        return next(number for number in count() if not self.is_done(number))

    def is_done(self, number: int) -> bool:
        """Return whether each point of the batch is written or rejected."""
        return str(number) in self.outcome["written"]

    def add_rejected(self, batch: StagedBatch, source_row: int, line: bytes, rejection: Answer) -> None:
        """Record one rejected line of a batch."""
        count_before = self.outcome["refused"].get(str(batch.number), 0)
        self.outcome["refused"][str(batch.number)] = count_before + 1
        self.rejected[source_row] = RejectedPoint(
            source_row=source_row,
            line=line.decode(errors="replace"),
            status=rejection.status,
            message=rejection.message,
        )

    def finish(self, batch: StagedBatch) -> None:
        """Record that all points of a batch are written, except for the rejected ones."""
        rejected = self.outcome["refused"].get(str(batch.number), 0)
        self.outcome["written"][str(batch.number)] = batch.points - rejected

    def add_requests(self, sender: Sender) -> None:
        """Add the requests of this invocation."""
        self.outcome["requests"] += sender.requests
        self.outcome["latencies_ms"] = dict(sender.latencies_ms + Counter(self.outcome["latencies_ms"]))
        self.outcome["slowest_ms"] = max(self.outcome["slowest_ms"], sender.slowest_ms)


@contextmanager
def chunk_progress(client: "S3Client", ref: ChunkRef) -> Iterator[Progress]:
    """Load the progress of earlier invocations for a `with` block, and store it after the block, even if that fails."""
    started_at, start = datetime.now(UTC), perf_counter()
    progress = _load(client, ref)
    try:
        yield progress
    finally:
        progress.outcome["seconds"] += round(perf_counter() - start, 3)
        progress.outcome["runs"].append({**span_since(started_at), "then": progress.then})
        progress.outcome["reasons"] = reasons(progress.rejected)
        _store(client, ref, progress)


def _load(client: "S3Client", ref: ChunkRef) -> Progress:
    """Load the stored progress.

    Counts of rejected points are dropped for unfinished batches, which are sent again and rejected again.
    """
    key = outcome_key(ref["load_id"], ref["execution"], ref["chunk"])
    try:
        with source_errors(work_bucket(), key):
            stored = get_json(client, key)
    except SourceNotFoundError:
        return Progress(empty_outcome(ref), {})
    outcome = cast(ChunkOutcome, empty_outcome(ref) | stored)  # an earlier release may have stored fewer keys
    outcome["refused"] = {
        number: points for number, points in outcome["refused"].items() if number in outcome["written"]
    }
    return Progress(outcome, _load_rejected(client, ref) if outcome["refused"] else {})


def empty_outcome(ref: ChunkRef) -> ChunkOutcome:
    """Return the outcome of a chunk before its first request."""
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


def _load_rejected(client: "S3Client", ref: ChunkRef) -> dict[int, RejectedPoint]:
    with source_errors(work_bucket(), _quarantine_key(ref)):
        content = client.get_object(Bucket=work_bucket(), Key=_quarantine_key(ref))["Body"].read()
    points: list[RejectedPoint] = [json.loads(line) for line in gzip.decompress(content).splitlines()]
    return {point["source_row"]: point for point in points}


def _store(client: "S3Client", ref: ChunkRef, progress: Progress) -> None:
    """Store rejected points and outcome, in this order: an outcome never counts points that are not stored."""
    key = outcome_key(ref["load_id"], ref["execution"], ref["chunk"])
    with source_errors(work_bucket(), key):
        if progress.rejected:
            client.put_object(Bucket=work_bucket(), Key=_quarantine_key(ref), Body=_json_lines(progress.rejected))
        put_json(client, key, progress.outcome)
    logger.info(
        "outcome",
        batches_done=progress.batches_done,
        points_written=sum(progress.outcome["written"].values()),
        points_refused=len(progress.rejected),
        requests=progress.outcome["requests"],
    )


def _json_lines(rejected: Mapping[int, RejectedPoint]) -> bytes:
    """Return the points as gzipped JSON lines, ordered by source row."""
    points = (rejected[source_row] for source_row in sorted(rejected))
    return gzip.compress("".join(json.dumps(point, ensure_ascii=False) + "\n" for point in points).encode(), mtime=0)
