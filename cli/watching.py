"""The terminal while a load or a backfill runs: its progress, and how to watch it again after Ctrl-C."""

import time
from collections import deque

from rich.markup import escape
from rich.progress import Progress, TaskID

from cli.deployed.executions import Counts, Execution, count_children, wait_for_end
from cli.deployed.progress import LoadProgress, ProgressReader
from cli.deployed.stack import Deployment
from cli.output import detach_on_interrupt, progress, quantity

BACKFILL_POLL_S = 2
"""The time between two looks at a backfill. Each makes four requests, which Step Functions throttles."""

BACKFILL_TIMEOUT_S = 90 * 24 * 3600
"""The time limit of a backfill."""

RATE_WINDOW_S = 30.0
"""The time over which points a second are measured."""


def watch_load(deployment: Deployment, arn: str, *, timeout_s: float) -> Execution:
    """Wait until a load ends, and show its state, chunks, points a second, and the time that is left.

    Raises:
        TimeoutError: it did not end in time.
    """
    message = f"The load is still running. To watch it again, run:  loader watch {arn.rpartition(':')[2]}"
    reader, rate = ProgressReader(deployment, arn), Rate()
    with detach_on_interrupt(message), progress() as bar:
        task = bar.add_task("starting", total=None)

        def show_progress(execution: Execution) -> None:
            done = reader.read()
            if done:
                rate.add(time.monotonic(), done.settled_points)
                bar.update(task, completed=done.settled_points, total=done.points)
            bar.update(task, description=escape(describe_load(execution.state, done, rate)))

        return wait_for_end(deployment.stepfunctions, arn, timeout_s=timeout_s, observe=show_progress)


def watch_backfill(deployment: Deployment, arn: str) -> Execution:
    """Wait until a backfill ends, and show how many files are done."""
    name, client = arn.rpartition(":")[2], deployment.stepfunctions
    commands = f"To watch it:  loader watch {name}\nTo stop it:   loader backfill --stop {name}"
    message = f"The backfill is still running.\n{commands}"
    with detach_on_interrupt(message), progress() as bar:
        task = bar.add_task("listing files", total=None)

        def show_progress(_: Execution) -> None:
            _advance(bar, task, count_children(client, arn))

        return wait_for_end(client, arn, timeout_s=BACKFILL_TIMEOUT_S, every_s=BACKFILL_POLL_S, observe=show_progress)


class Rate:
    """The points a second of the last half minute."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, time_s: float, points: int) -> None:
        """Add a number of points, and forget the samples that are too old."""
        if not self._samples or self._samples[-1][1] != points:
            self._samples.append((time_s, points))
        while len(self._samples) > 2 and time_s - self._samples[1][0] > RATE_WINDOW_S:  # noqa: PLR2004 - first and last
            self._samples.popleft()

    @property
    def per_second(self) -> float:
        """Points a second; 0.0 before the number has changed twice."""
        if len(self._samples) < 2:  # noqa: PLR2004 - a rate needs two
            return 0.0
        (first_s, first), (last_s, last) = self._samples[0], self._samples[-1]
        return (last - first) / (last_s - first_s)


def describe_load(state: str, done: LoadProgress | None, rate: Rate) -> str:
    """Return the state of a load with its chunks, its points a second, and the time that is left.

    >>> rate = Rate()
    >>> rate.add(0.0, 0), rate.add(10.0, 500_000)
    (None, None)
    >>> describe_load("WriteChunks", LoadProgress(1_000_000, 4, 1_000_000, 2, 500_000), rate)
    'WriteChunks: 2 of 4 chunks, 500,000 of 1,000,000 points, 50,000 points/s, 10 s left'
    """
    if done is None or not done.chunks:
        return state or "starting"
    parts = [
        f"{done.finished_chunks} of {quantity(done.chunks, 'chunk')}",
        f"{done.settled_points:,} of {quantity(done.points, 'point')}",
    ]
    if rate.per_second:
        left_s = (done.points - done.settled_points) / rate.per_second
        parts += [f"{rate.per_second:,.0f} points/s", f"{left_s:,.0f} s left"]
    return f"{state}: {', '.join(parts)}"


def _advance(bar: Progress, task: TaskID, counts: Counts | None) -> None:
    if counts:
        description = f"{counts.done:,} of {counts.total:,} files, {counts.running} running"
        description += f", [red]{counts.failed:,} failed[/]" if counts.failed else ""
        bar.update(task, description=description, completed=counts.done, total=counts.total)
