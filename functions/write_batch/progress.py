"""The progress of a chunk: which batches are finished, and what became of the points of the others.

Writers record it in `Progress` while they send; `functions.write_batch.stored_progress` keeps it between invocations.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import count
from threading import Lock
from typing import Literal

from functions.write_batch.fates import CODES, REJECTED, STORED, UNKNOWN, Fates
from functions.write_batch.reasons import reasons
from functions.write_batch.rejection import Rejection
from functions.write_batch.sending import Sender
from functions.write_batch.staged import StagedBatch
from shared.stored import ChunkOutcome, RejectedPoint

NO_BATCH = -1
"""The batch of a rejected point that an earlier release stored, without naming its batch."""


class Progress:
    """The outcome of a chunk so far, and its rejected points.

    Writers share it: each changes only the entries of its own batches, and counts requests under a lock.

    Attributes:
        outcome: The outcome to store.
        then: The state that follows this invocation, as in `shared.stored.Run`.
    """

    def __init__(self, outcome: ChunkOutcome, rejected: Iterable[RejectedPoint] = ()) -> None:
        self.outcome = outcome
        self.then: Literal["", "WaitForInflux"] = ""
        self._lock = Lock()
        self._sizes: dict[int, int] = {}
        self._fates = {int(number): Fates.of_runs(runs) for number, runs in outcome["unfinished"].items()}
        self._rejected: dict[int, dict[int, RejectedPoint]] = defaultdict(dict)
        for point in rejected:
            self._rejected[point.get("batch", NO_BATCH)][point["source_row"]] = point

    @property
    def rejected(self) -> dict[int, RejectedPoint]:
        """The rejected points by source row."""
        return {row: point for points in list(self._rejected.values()) for row, point in points.items()}

    @property
    def points_stored(self) -> int:
        """The number of points that InfluxDB acknowledged, also in batches that are not finished."""
        unfinished = (fates.count(STORED) for fates in self._fates.values())
        return sum(self.outcome["written"].values()) + sum(unfinished)

    @property
    def batches_done(self) -> int:
        """The number of finished batches, which are not sent again."""
        return len(self.outcome["written"])

    @property
    def next_batch(self) -> int:
        """The number of the first batch that is not finished. Later ones may be."""
        return next(number for number in count() if not self.is_done(number))

    def is_done(self, number: int) -> bool:
        """Return whether the batch is finished: no request would change the fate of its points."""
        return str(number) in self.outcome["written"]

    def plan(self, batches: Sequence[StagedBatch]) -> None:
        """Record the batches of the chunk, before the first of them is sent.

        If the invocation before was killed, it may have sent any batch that is not finished.
        """
        self.outcome["batches"] = len(batches)
        self._sizes = {batch.number: batch.points for batch in batches}
        for batch in batches if self.outcome["running"] else ():
            if not self.is_done(batch.number):
                self._fates.setdefault(batch.number, Fates(batch.points)).mark_sent()

    def begin(self, batch: StagedBatch) -> Fates:
        """Return the fates of a batch that is about to be sent. Points that were rejected before are sent again."""
        self._rejected[batch.number] = {}
        fates = self._fates.setdefault(batch.number, Fates(batch.points))
        if fates.count(REJECTED):
            fates.mark_sent()
        return fates

    def add_rejected(self, batch: StagedBatch, line: int, source_row: int, text: bytes, rejection: Rejection) -> None:
        """Record that InfluxDB rejected a line of a batch, or that its fate stays unknown."""
        self._fates[batch.number].set(line, CODES[rejection.fate])
        self._rejected[batch.number][source_row] = RejectedPoint(
            source_row=source_row,
            batch=batch.number,
            fate=rejection.fate,
            line=text.decode(errors="replace"),
            status=rejection.answer.status,
            message=rejection.answer.message,
        )

    def finish(self, batch: StagedBatch) -> None:
        """Record that the fate of each point of a batch is as clear as it can be."""
        number, fates = str(batch.number), self._fates.pop(batch.number)
        for key, fate in (("refused", REJECTED), ("unknown", UNKNOWN)):
            if points := fates.count(fate):
                self.outcome[key][number] = points  # type: ignore[literal-required]
        self.outcome["written"][number] = fates.count(STORED)

    def add_requests(self, sender: Sender) -> None:
        """Add the requests of this invocation."""
        self.outcome["server_errors"] += bool(sender.server_errors)
        self.outcome["requests"] += sender.requests
        self.outcome["latencies_ms"] = dict(sender.latencies_ms + Counter(self.outcome["latencies_ms"]))
        self.outcome["slowest_ms"] = max(self.outcome["slowest_ms"], sender.slowest_ms)

    def add_search_request(self) -> int:
        """Count a request that searches for rejected points, and return how many this chunk has needed."""
        with self._lock:
            self.outcome["search_requests"] += 1
            return self.outcome["search_requests"]

    def close(self) -> None:
        """Write the fates of unfinished batches into the outcome."""
        unfinished = {number: fates for number, fates in self._fates.items() if not self.is_done(number)}
        self.outcome["unfinished"] = {str(number): fates.runs() for number, fates in sorted(unfinished.items())}
        for number, fates in unfinished.items():
            if points := fates.count(REJECTED):
                self.outcome["refused"][str(number)] = points
        if self._sizes:
            sizes = self._sizes.items()
            not_started = (size for number, size in sizes if number not in unfinished and not self.is_done(number))
            self.outcome["not_started"] = sum(not_started)
        self.outcome["reasons"] = reasons(self.rejected)
