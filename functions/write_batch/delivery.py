"""The writing of one chunk: several threads send its batches, and every end leaves the outcome stored.

`write_chunk` loads the progress of earlier invocations and stores the new one, whatever happens in between. `Delivery`
sends the batches that are left. When InfluxDB rejects a batch, `Delivery._isolate` finds the rejected lines, so that
all others are written.
"""

import gzip
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from functions.write_batch.isolation import rejected_lines
from functions.write_batch.pause import ResumeLaterError, check_not_before, resume_later
from functions.write_batch.progress import Progress, chunk_progress
from functions.write_batch.sending import Sender
from functions.write_batch.staged import StagedBatch, staged_batches
from shared.errors import RefusedPointsError
from shared.events import ChunkProgress, ChunkRef
from shared.influx_answers import Action, Answer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WRITERS = 2
"""The number of threads that send batches.

With a round trip of 2 ms, one server accepted 188,000 points/s from one writer, 288,000 from two and 306,000 from four.
The state machine runs several of these functions at once, so that more writers would only wait for the server.
"""

MAX_REJECTED = 100
"""The largest number of rejected points in a chunk. More mean that the file does not fit the bucket at all."""


def write_chunk(client: "S3Client", ref: ChunkRef, sender: Sender, *, drop_rejected: bool) -> ChunkProgress:
    """Write the batches of a chunk that are not written yet, and store the chunk's outcome in any case.

    The stored outcome decides which batches are left, not the state machine's `next_batch`: an invocation that
    failed, and is retried, may have written some of them.

    Args:
        client: The S3 client.
        ref: The chunk.
        sender: Sends bodies to the chunk's bucket.
        drop_rejected: Accept rejected points. If false, they fail the chunk after its other points are written.

    Raises:
        ChunkDamagedError: The staged chunk is missing or altered.
        RefusedPointsError: InfluxDB rejected points and `drop_rejected` is false, or more than `MAX_REJECTED` points.
        LoaderError: Any other error that the table of InfluxDB's answers names.
    """
    with chunk_progress(client, ref) as progress:
        done_before = progress.batches_done
        try:
            check_not_before(progress.outcome["not_before"])
            Delivery(ref, sender, progress).write(staged_batches(client, ref))
        except ResumeLaterError as pause:
            progress.outcome["not_before"] = pause.not_before.isoformat()
            progressed = progress.batches_done > done_before
            result = resume_later(ref, pause.not_before, next_batch=progress.next_batch, progressed=progressed)
            progress.then = "WaitForInflux"
            return result
        if progress.rejected and not drop_rejected:
            raise _rejection_error(ref, progress)
    return ChunkProgress(chunk=ref["chunk"], written=True, next_batch=progress.next_batch, not_before="", waits=0)


class Delivery:
    """Sends the batches of one chunk through one sender, and records their results in `progress`."""

    def __init__(self, ref: ChunkRef, sender: Sender, progress: Progress) -> None:
        self._ref = ref
        self._sender = sender
        self._progress = progress

    def write(self, batches: Sequence[StagedBatch]) -> None:
        """Write the batches, `WRITERS` at a time. The first error stops all writers, and is raised."""
        self._progress.outcome["batches"] = len(batches)
        left = [batch for batch in batches if not self._progress.is_done(batch.number)]
        with ThreadPoolExecutor(WRITERS) as writers:
            writers.map(self._write, left)
        self._progress.add_requests(self._sender)
        if self._sender.failure:
            raise self._sender.failure

    def _write(self, batch: StagedBatch) -> None:
        # An error goes to the sender at once, so that no writer starts another request.
        try:
            answer = self._sender.send(bytes(batch.body), self._place(batch))
            if answer.action is Action.SPLIT:
                self._isolate(batch, answer)
            self._progress.finish(batch)
        except Exception as error:  # noqa: BLE001 - `write` raises it
            self._sender.fail(error)

    def _isolate(self, batch: StagedBatch, rejection: Answer) -> None:
        """Find the rejected lines of a batch and record them. The search writes all other lines."""
        lines, source_rows = batch.lines(), list(batch.source_rows())

        def send(some: Sequence[bytes]) -> Answer:
            return self._sender.send(gzip.compress(b"\n".join(some), 1, mtime=0), self._place(batch))

        for number, answer in rejected_lines(lines, rejection, send):
            self._progress.add_rejected(batch, source_rows[number], lines[number], answer)
            if len(self._progress.rejected) > MAX_REJECTED:
                raise _rejection_error(self._ref, self._progress)

    def _place(self, batch: StagedBatch) -> str:
        return f"chunk {self._ref['chunk']}, batch {batch.number}"


def _rejection_error(ref: ChunkRef, progress: Progress) -> RefusedPointsError:
    first = next(iter(progress.rejected.values()))
    written = sum(progress.outcome["written"].values())
    return RefusedPointsError(
        f"chunk {ref['chunk']}: InfluxDB rejected {len(progress.rejected)} points, for example "
        f"source row {first['source_row']}: {first['message']}; already written: {written} points of this chunk: "
        "see the rejected points with `loader quarantine`"
    )
