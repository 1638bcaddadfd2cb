"""The terminal while a load or a backfill runs: its progress, and how to watch it again after Ctrl-C."""

import time
from collections import deque
from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.progress import Progress, TaskID

from cli.deployed.executions import POLL_S, Counts, Execution, count_children, describe, wait_for_end
from cli.deployed.progress import LoadProgress, ProgressReader
from cli.deployed.stack import Deployment
from cli.output import detach_on_interrupt, progress, quantity

BACKFILL_POLL_S = 2
"""The time between two looks at a backfill. Each makes four requests, which Step Functions throttles."""

BACKFILL_TIMEOUT_S = 90 * 24 * 3600
"""The time limit of a backfill."""

MAX_WATCHED = 4
"""How many loads to look at at a time."""

MAX_COMMANDS = 10
"""How many loads to name after Ctrl-C."""

RATE_WINDOW_S = 30.0
"""The time over which points a second are measured."""


def watch_load(deployment: Deployment, arn: str, *, timeout_s: float) -> Execution:
    """Wait until a load ends, and show its progress. Raises TimeoutError."""
    return next(watch_loads(deployment, [arn], timeout_s=timeout_s))


def watch_loads(deployment: Deployment, arns: Sequence[str], *, timeout_s: float) -> Iterator[Execution]:
    """Yield each load once it has ended.

    Meanwhile show how many have ended, and for up to MAX_WATCHED at a time their state, chunks, points a second, and
    the time that is left. Thousands of loads are thus no more requests a second than a few.

    Raises:
        TimeoutError: A load did not end in time.
    """
    deadline, waiting = time.monotonic() + timeout_s, deque(arns)
    watched = dict[str, _LoadBar]()
    with detach_on_interrupt(lambda: how_to_watch([*watched, *waiting])), progress() as bar:
        total = bar.add_task("loads", total=len(arns), visible=len(arns) > 1)
        while waiting or watched:
            while waiting and len(watched) < MAX_WATCHED:
                arn = waiting.popleft()
                watched[arn] = _LoadBar(deployment, arn, bar)
            ended = [execution for each in watched.values() if (execution := each.look(deadline)).ended]
            for execution in ended:
                watched.pop(execution.arn).remove()
            bar.update(total, advance=len(ended), description=f"{len(watched) + len(waiting):,} loads are running")
            if ended:
                bar.stop()  # what the caller prints now must not mix with the bars
                yield from ended
                bar.start()
            else:
                time.sleep(POLL_S * len(watched))


def how_to_watch(arns: Sequence[str]) -> str:
    """Return the commands that watch running loads again."""
    commands = "".join(f"\n  loader watch {arn.rpartition(':')[2]}" for arn in arns[:MAX_COMMANDS])
    more = f"\n  … and {len(arns) - MAX_COMMANDS:,} more, which `loader status` counts" * (len(arns) > MAX_COMMANDS)
    if len(arns) == 1:
        return f"The load is still running. To watch it again, run:  {commands.strip()}"
    return f"{len(arns):,} loads are still running. To watch them again, run:{commands}{more}"


class _LoadBar:
    """The progress bar of one load."""

    def __init__(self, deployment: Deployment, arn: str, bar: Progress) -> None:
        self._client, self._arn, self._bar = deployment.stepfunctions, arn, bar
        self._reader, self._rate = ProgressReader(deployment, arn), Rate()
        self._task = bar.add_task("starting", total=None)
        self._started_at = time.monotonic()

    def look(self, deadline: float) -> Execution:
        """Return the load's description, and show its progress. Raises TimeoutError after the deadline."""
        execution = describe(self._client, self._arn)
        if not execution.ended:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{self._arn} did not end within {time.monotonic() - self._started_at:.0f} s; it is still running"
                )
            self._show(execution)
        return execution

    def _show(self, execution: Execution) -> None:
        done = self._reader.read()
        if done:
            self._rate.add(time.monotonic(), done.settled_points)
            self._bar.update(self._task, completed=done.settled_points, total=done.points)
        text = describe_load(execution.state, done, self._rate)
        self._bar.update(self._task, description=escape(f"{execution.key.rpartition('/')[2]}  {text}".strip()))

    def remove(self) -> None:
        """Remove the bar."""
        self._bar.remove_task(self._task)


def watch_backfill(deployment: Deployment, arn: str) -> Execution:
    """Wait until a backfill ends, and show how many files are done."""
    name, client = arn.rpartition(":")[2], deployment.stepfunctions
    commands = f"To watch it:  loader watch {name}\nTo stop it:   loader backfill --stop {name}"
    message = f"The backfill is still running.\n{commands}"
    with detach_on_interrupt(lambda: message), progress() as bar:
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
