"""One chunk on its way into InfluxDB: several writers, and a tidy end whatever happens."""

import gzip
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from functions.write_batch.isolation import refused_lines
from functions.write_batch.pause import ComeBackError, come_back, keep_quiet_until
from functions.write_batch.progress import Progress, kept_progress
from functions.write_batch.sending import Sender
from functions.write_batch.staged import StagedBatch, staged_batches
from shared.errors import RefusedPointsError
from shared.events import ChunkProgress, ChunkRef
from shared.influx_answers import Action, Answer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

WRITERS = 2
"""Over a round trip of 2 ms one server took 188,000 points/s from one writer, 288,000 from two, 306,000 from four.

The state machine runs several of these functions at once, so more would only queue up in the server.
"""

MOST_REFUSED = 100
"""Refused points of a chunk. More mean that the file does not suit the bucket, not that some rows are odd."""


def write_chunk(client: "S3Client", ref: ChunkRef, sender: Sender, *, drop_refused: bool) -> ChunkProgress:
    """Write what is not written yet; the outcome is stored on every way out.

    What an earlier invocation of this execution wrote is in its outcome and not sent again, whatever the state
    machine remembers. Raises what the table of outcomes says, ChunkDamagedError, and RefusedPointsError.
    """
    with kept_progress(client, ref) as progress:
        done_before = progress.batches_done
        try:
            keep_quiet_until(progress.outcome["not_before"])
            Delivery(ref, sender, progress).write(staged_batches(client, ref))
        except ComeBackError as pause:
            progress.outcome["not_before"] = pause.not_before.isoformat()
            fruitless = progress.batches_done == done_before
            answer = come_back(ref, pause.not_before, next_batch=progress.next_batch, fruitless=fruitless)
            progress.then = "WaitForInflux"
            return answer
        if progress.refused and not drop_refused:
            raise _refused(ref, progress)
    return ChunkProgress(chunk=ref["chunk"], written=True, next_batch=progress.next_batch, not_before="", waits=0)


class Delivery:
    """The batches of one chunk through one sender; what becomes of them goes into `progress`."""

    def __init__(self, ref: ChunkRef, sender: Sender, progress: Progress) -> None:
        self._ref = ref
        self._sender = sender
        self._progress = progress

    def write(self, batches: Sequence[StagedBatch]) -> None:
        """`WRITERS` at a time. The first that cannot be written ends the others, and is raised."""
        self._progress.outcome["batches"] = len(batches)
        waiting = [batch for batch in batches if not self._progress.is_done(batch.number)]
        with ThreadPoolExecutor(WRITERS) as writers:
            writers.map(self._write, waiting)
        self._progress.add_requests(self._sender)
        if self._sender.failure:
            raise self._sender.failure

    def _write(self, batch: StagedBatch) -> None:
        """A failure is reported to the sender, before this writer can take the next batch."""
        try:
            answer = self._sender.send(bytes(batch.body), self._where(batch))
            if answer.action is Action.SPLIT:
                self._isolate(batch, answer)
            self._progress.done(batch)
        except Exception as error:  # noqa: BLE001 - `write` raises it
            self._sender.fail(error)

    def _isolate(self, batch: StagedBatch, refusal: Answer) -> None:
        """Find the refused lines and set them aside, the others being written meanwhile."""
        lines, source_rows = batch.lines(), list(batch.source_rows())

        def send(some: Sequence[bytes]) -> Answer:
            return self._sender.send(gzip.compress(b"\n".join(some), 1, mtime=0), self._where(batch))

        for number, reason in refused_lines(lines, refusal, send):
            self._progress.refuse(batch, source_rows[number], lines[number], reason)
            if len(self._progress.refused) > MOST_REFUSED:
                raise _refused(self._ref, self._progress)

    def _where(self, batch: StagedBatch) -> str:
        return f"chunk {self._ref['chunk']}, batch {batch.number}"


def _refused(ref: ChunkRef, progress: Progress) -> RefusedPointsError:
    first = next(iter(progress.refused.values()))
    written = sum(progress.outcome["written"].values())
    return RefusedPointsError(
        f"chunk {ref['chunk']}: InfluxDB refused {len(progress.refused)} points (kept in the quarantine), such as "
        f"source row {first['source_row']}: {first['message']}; already written: {written} points of this chunk"
    )
