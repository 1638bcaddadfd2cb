"""The retriers of throttled invocations in a definition, and how many events they can add to the history of a load.

`most_events` computes the worst case for the largest load; `benchmarks.bursts` simulates usual ones.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from functions.convert_and_chunk.part import CHUNKS_PER_PART
from functions.validate_schema.parts import PARTS

THROTTLED = "Lambda.TooManyRequestsException"

MAX_PARTS = 2 * PARTS
MAX_CHUNKS = MAX_PARTS * CHUNKS_PER_PART
MAX_EVENTS = 25_000
"""Step Functions ends an execution whose history has more events, and no state can catch that."""

EVENTS_OF_RETRY = 3
"""Scheduled, started, failed."""

EVENTS_OF_STATE = {"Task": 5, "Map": 4}
"""Entered, scheduled, started, succeeded, exited; entered, started, succeeded, exited. Other states have two."""

EVENTS_OF_ITEM = 2

Definition = dict[str, Any]


class Retrier(NamedTuple):
    """A Retry of a definition, with full jitter."""

    interval_s: float
    rate: float
    max_delay_s: float
    attempts: int

    def delay_limit_s(self, retry: int) -> float:
        """Return the longest delay before a retry; the first one has number 0."""
        return float(min(self.interval_s * self.rate**retry, self.max_delay_s))


def task_and_lanes(machine: Definition, state: str) -> tuple[dict[str, Any], int]:
    """Return a task by its name, and how many of it run at the same time in one execution."""
    for outer in machine["States"].values():
        task = outer.get("ItemProcessor", {}).get("States", {}).get(state)
        if task:
            return task, outer["MaxConcurrency"]
    return machine["States"][state], 1


def retrier(task: dict[str, Any]) -> Retrier:
    """Return the first retrier that matches a throttled invocation."""
    entry = next(entry for entry in task["Retry"] if THROTTLED in entry["ErrorEquals"])
    if entry["JitterStrategy"] != "FULL":
        raise ValueError(f"the model knows full jitter only, not {entry['JitterStrategy']}")
    return Retrier(entry["IntervalSeconds"], entry["BackoffRate"], entry["MaxDelaySeconds"], entry["MaxAttempts"])


def events_without_retries(machine: Definition, parts: int, chunks: int) -> int:
    """Return how many events the history of a load has at most if nothing is retried and it never waits."""
    events = 2 + sum(_events(state) for state in machine["States"].values())
    for state, items in (("ConvertParts", parts), ("WriteChunks", chunks)):
        processor = machine["States"][state]["ItemProcessor"]["States"].values()
        events += items * (EVENTS_OF_ITEM + sum(_events(step) for step in processor if step["Type"] != "Wait"))
    return events


def _events(state: dict[str, Any]) -> int:
    return EVENTS_OF_STATE.get(state["Type"], 2)


def most_events(machine: Definition, parts: int = MAX_PARTS, chunks: int = MAX_CHUNKS) -> int:
    """Return the most events that the history of a load can have if it is throttled until its time is over.

    Any part and any chunk may be throttled, as often as its retrier allows. Time limits them all together: a retry
    delays the load by its average delay, divided by the number of lanes. So this takes the retries that delay it least
    first, until the time limit of the execution. A retry of a state outside of the Maps delays it more.
    """
    retries = sorted(
        (limit_s / 2 / lanes, tasks)
        for state, tasks in (("ConvertAndChunk", parts), ("WriteBatch", chunks))
        for limit_s, lanes in _delay_limits_s(machine, state)
    )
    left_s, events = float(machine["TimeoutSeconds"]), events_without_retries(machine, parts, chunks)
    for cost_s, tasks in retries:
        number = min(tasks, int(left_s / cost_s))
        left_s -= number * cost_s
        events += number * EVENTS_OF_RETRY
    return events


def _delay_limits_s(machine: Definition, state: str) -> Iterator[tuple[float, int]]:
    task, lanes = task_and_lanes(machine, state)
    entry = retrier(task)
    return ((entry.delay_limit_s(retry), lanes) for retry in range(entry.attempts))
