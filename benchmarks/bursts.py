"""Simulation of bursts of files that Lambda throttles, with the retriers of a definition.

`simulate` runs one `Burst`: each load writes its chunks a few at a time, an invocation that finds all concurrent
executions in use is throttled, and Step Functions retries it as the `Retrier` of WriteBatch says.
"""

import heapq
import random
from typing import NamedTuple

from benchmarks.retriers import Definition, Retrier, retrier, task_and_lanes

SEED = 1


class Burst(NamedTuple):
    """Files that arrive within `arrival_s` seconds, and the concurrent executions of WriteBatch for all of them."""

    files: int
    chunks: int
    slots: int
    chunk_s: float
    arrival_s: float

    def ideal_s(self, lanes: int) -> float:
        """Return the time of the last load if no slot were ever idle."""
        return max(self.files * self.chunks * self.chunk_s / self.slots, self.arrival_s + self.load_s(lanes))

    def load_s(self, lanes: int) -> float:
        """Return the time of one load that is alone."""
        return -(-self.chunks // lanes) * self.chunk_s


class Outcome(NamedTuple):
    """The end of a burst. `retries` has the number of throttled attempts of each file."""

    failed: int
    last_s: float
    retries: list[int]


class Simulation:
    """A burst in progress. An event of the queue is the end of an invocation, or an attempt to start one.

    The Map of a load fails with its first chunk, and then starts no other.
    """

    def __init__(self, burst: Burst, retrier: Retrier, lanes: int) -> None:
        self._burst = burst
        self._retrier = retrier
        self._random = random.Random(SEED)  # noqa: S311 - not for cryptography
        self._busy = 0
        self._left = [burst.chunks] * burst.files
        self._failed: set[int] = set()
        self._retries = [0] * burst.files
        self._queue: list[tuple[float, int, int, int]] = []
        self._events = 0
        for file in range(burst.files):
            arrival_s = self._random.uniform(0, burst.arrival_s)
            for _ in range(min(lanes, burst.chunks)):
                self._start_next(file, arrival_s)

    def run(self) -> Outcome:
        """Run until no event is left."""
        last_s = 0.0
        while self._queue:
            at_s, _, file, retry = heapq.heappop(self._queue)
            if retry < 0:
                self._end(file, at_s)
                last_s = max(last_s, at_s)
            elif file not in self._failed:
                self._attempt(file, at_s, retry)
        return Outcome(len(self._failed), last_s, self._retries)

    def _start_next(self, file: int, at_s: float) -> None:
        if self._left[file]:
            self._left[file] -= 1
            self._push(at_s, file, 0)

    def _attempt(self, file: int, at_s: float, retry: int) -> None:
        if self._busy < self._burst.slots:
            self._busy += 1
            self._push(at_s + self._burst.chunk_s, file, -1)
            return
        self._retries[file] += 1
        if retry == self._retrier.attempts:
            self._failed.add(file)
        else:
            self._push(at_s + self._random.uniform(0, self._retrier.delay_limit_s(retry)), file, retry + 1)

    def _end(self, file: int, at_s: float) -> None:
        self._busy -= 1
        if file not in self._failed:
            self._start_next(file, at_s)

    def _push(self, at_s: float, file: int, retry: int) -> None:
        self._events += 1  # in the order of their creation, if two are at the same time
        heapq.heappush(self._queue, (at_s, self._events, file, retry))


def simulate(burst: Burst, machine: Definition) -> Outcome:
    """Run a burst with the retrier and the concurrency that WriteBatch has in a definition."""
    task, lanes = task_and_lanes(machine, "WriteBatch")
    return Simulation(burst, retrier(task), lanes).run()
