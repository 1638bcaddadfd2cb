"""The writing of one chunk: several threads send its batches, and every end leaves the outcome stored.

`write_chunk` loads the progress of earlier invocations and stores the new one, whatever happens in between. `Delivery`
sends the batches that are left. When InfluxDB rejects a batch, `Delivery._isolate` finds the rejected lines, so that
all others are written.
"""

import gzip
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from functions.write_batch.fates import Fates
from functions.write_batch.isolation import rejected_lines
from functions.write_batch.pause import Interruption, OutOfTimeError, check_not_before, pause_former, plan_pause
from functions.write_batch.progress import Progress
from functions.write_batch.sending import Sender
from functions.write_batch.staged import StagedBatch, staged_batches
from functions.write_batch.stored_progress import announce, chunk_progress
from shared.errors import OutageError, RefusedPointsError
from shared.events import ChunkProgress, ChunkRef
from shared.influx_answers import Action, Answer
from shared.outages import WriteLaterError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WRITERS = 4
"""The number of threads that send batches.

With a round trip of 2 ms, one server accepted 188,000 points/s from one writer, 288,000 from two and 306,000 from four.
A thread costs next to nothing, but a function costs its memory while it waits for the server, and a cold start. So few
functions run at once, with several writers each.
"""

PATIENT_RUNS = 2
"""The number of invocations that end when InfluxDB still answers 500 after all retries; later ones bisect the body.

InfluxDB answers 500 when it is overloaded, but 2.7.12 also in place of 422, if it cannot write to its own bucket
`_monitoring`: then smaller bodies are accepted.
"""

MAX_SEARCH_REQUESTS, SEARCH_SHARE = 2000, 25
"""The number of requests in which to search for the rejected points of a chunk: 2,000, or one for every 25 points.

They find about a hundred of 50,000 points that are scattered over them. A file with more does not fit the bucket.
"""


def write_chunk(
    client: "S3Client", ref: ChunkRef, connect: Callable[[], Sender], *, drop_rejected: bool, patience_s: int
) -> ChunkProgress:
    """Write the batches of a chunk that are not written yet, and store the chunk's outcome in any case.

    The stored outcome decides which batches are left: an invocation that failed, and is retried, may have written some
    of them.

    Args:
        client: The S3 client.
        ref: The chunk.
        connect: Returns the sender of bodies to the chunk's bucket.
        drop_rejected: Accept rejected points. If false, they fail the chunk after its other points are written.
        patience_s: How long to wait for InfluxDB without progress.

    Raises:
        WriteLaterError: InfluxDB does not accept all batches now, or not in the time of this invocation.
        OutageError: The same, but the patience is used up.
        ChunkDamagedError: The staged chunk is missing or altered.
        RefusedPointsError: InfluxDB rejected points and `drop_rejected` is false, or the search for them takes
            too many requests.
        LoaderError: Any other error that the table of InfluxDB's answers names.
    """
    with chunk_progress(client, ref) as progress:
        done_before = progress.batches_done
        try:
            _write_batches(client, ref, connect, progress)
        except (OutageError, OutOfTimeError) as interruption:
            progressed = progress.batches_done > done_before
            return _pause(ref, progress, interruption, progressed=progressed, patience_s=patience_s)
        if progress.rejected and not drop_rejected:
            raise _rejection_error(ref, progress)
    return ChunkProgress(chunk=ref["chunk"], written=True, next_batch=progress.next_batch, not_before="", waits=0)


def _write_batches(client: "S3Client", ref: ChunkRef, connect: Callable[[], Sender], progress: Progress) -> None:
    check_not_before(progress.outcome["not_before"])
    batches = staged_batches(client, ref)
    progress.plan(batches)
    sender = connect()
    announce(client, ref, progress)
    sender.splits_server_errors = progress.outcome["server_errors"] >= PATIENT_RUNS
    Delivery(ref, sender, progress).write(batches)


def _pause(
    ref: ChunkRef, progress: Progress, interruption: Interruption, *, progressed: bool, patience_s: int
) -> ChunkProgress:
    """Make the state machine call WriteBatch again: raise WriteLaterError, or return a result to an old definition."""
    progress.outcome["not_before"] = _retry_time(interruption)
    pause = plan_pause(ref, interruption, progressed=progressed, patience_s=patience_s)
    if "outage" not in ref:
        result = pause_former(
            ref, interruption, pause["not_before"], next_batch=progress.next_batch, progressed=progressed
        )
        progress.then = "WaitForInflux"
        return result
    progress.then = "WaitForInflux"
    raise WriteLaterError(pause) from interruption


def _retry_time(interruption: Interruption) -> str:
    """Return the time before which InfluxDB accepts no request (ISO 8601), or "" if it did not say so."""
    retry_after_s = getattr(interruption, "retry_after_s", 0.0)
    return (datetime.now(UTC) + timedelta(seconds=retry_after_s)).isoformat() if retry_after_s else ""


class Delivery:
    """Sends the batches of one chunk through one sender, and records the fates of their points in `progress`."""

    def __init__(self, ref: ChunkRef, sender: Sender, progress: Progress) -> None:
        self._ref = ref
        self._sender = sender
        self._progress = progress

    def write(self, batches: Sequence[StagedBatch]) -> None:
        """Write the batches, `WRITERS` at a time. The first error stops all writers, and is raised."""
        left = [batch for batch in batches if not self._progress.is_done(batch.number)]
        with ThreadPoolExecutor(WRITERS) as writers:
            writers.map(self._write, left)
        self._progress.add_requests(self._sender)
        if self._sender.failure:
            raise self._sender.failure

    def _write(self, batch: StagedBatch) -> None:
        # An error goes to the sender at once, so that no writer starts another request.
        try:
            self._sender.check_running()
            fates, whole = self._progress.begin(batch), range(batch.points)
            answer = self._sender.send(bytes(batch.body), self._place(batch), fates.request(whole))
            if answer.action is Action.SPLIT:
                self._isolate(batch, fates, answer)
            self._progress.finish(batch)
        except Exception as error:  # noqa: BLE001 - `write` raises it
            self._sender.fail(error)

    def _isolate(self, batch: StagedBatch, fates: Fates, rejection: Answer) -> None:
        """Find the rejected lines of a batch and record them. The search writes all other lines."""
        lines, source_rows = batch.lines(), list(batch.source_rows())

        def send(some: Sequence[int]) -> Answer:
            self._count_search_request()
            body = gzip.compress(b"\n".join(lines[number] for number in some), 1, mtime=0)
            return self._sender.send(body, self._place(batch), fates.request(some))

        def time_ns(line: int) -> int:
            return int(lines[line].rpartition(b" ")[2])

        for loss in rejected_lines(range(len(lines)), rejection, send, time_ns):
            self._progress.add_rejected(batch, loss.line, source_rows[loss.line], lines[loss.line], loss)

    def _count_search_request(self) -> None:
        limit = max(MAX_SEARCH_REQUESTS, self._ref["points"] // SEARCH_SHARE)
        if self._progress.add_search_request() > limit:
            effort = f"after {limit} requests to find those that it rejects, "
            raise _rejection_error(self._ref, self._progress, effort)

    def _place(self, batch: StagedBatch) -> str:
        return f"chunk {self._ref['chunk']}, batch {batch.number}"


def _rejection_error(ref: ChunkRef, progress: Progress, effort: str = "") -> RefusedPointsError:
    """Return the error of a chunk. Without a rejected point so far, every body of several points was rejected."""
    rejected = progress.rejected
    first = next(iter(rejected.values()), None)
    example = f", for example source row {first['source_row']}: {first['message']}" if first else ""
    return RefusedPointsError(
        f"chunk {ref['chunk']}: {effort}InfluxDB rejected {len(rejected)} points{example}; already written: "
        f"{progress.points_stored} points of this chunk: see the rejected points with `loader quarantine`"
    )
