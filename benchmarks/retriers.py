"""The retriers of throttled invocations in a definition, and how many events they can add to the history of a load.

`most_events` computes the worst case for the largest load, throttled and with outages of InfluxDB;
`benchmarks.bursts` simulates usual bursts.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from functions.convert_and_chunk.chunks import FILE_CHUNKS
from functions.validate_schema.parts import PARTS
from shared.errors import UnfinishedError
from shared.outages import FIRST_PAUSE_S, MAX_PAUSE_S

THROTTLED = "Lambda.TooManyRequestsException"

MAX_PARTS = 2 * PARTS
MAX_CHUNKS = FILE_CHUNKS
MAX_EVENTS = 25_000
"""Step Functions ends an execution whose history has more events, and no state can catch that."""

EVENTS_OF_RETRY = 3
"""Scheduled, started, failed."""

EVENTS_OF_WAIT = 11
"""The failed task (entered, scheduled, started, failed, exited), two Pass states and a Wait state (two each)."""

PAUSES = 200
"""How many pauses of one chunk to consider: more than fit into the time limit."""

EVENTS_OF_STATE = {"Task": 5, "Map": 4}
"""Entered, scheduled, started, succeeded, exited; entered, started, succeeded, exited. Other states have two."""

EVENTS_OF_ITEM = 2

ITEM_TASKS = {"ConvertParts": "ConvertAndChunk", "ConvertPartsAgain": "ConvertAgain", "WriteChunks": "WriteBatch"}
"""The task of each item of a Map. The other states inside it only run if the chunk waits."""

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
    for state, items in (("ConvertParts", parts), ("ConvertPartsAgain", parts), ("WriteChunks", chunks)):
        task = task_and_lanes(machine, ITEM_TASKS[state])[0]
        events += items * (EVENTS_OF_ITEM + _events(task))
    return events + sum(map(_continuations, machine["States"].values())) * EVENTS_OF_RETRY


def _continuations(state: dict[str, Any]) -> int:
    """Return how often a state can be called again to continue."""
    entries = state.get("Retry", [])
    return sum(entry["MaxAttempts"] for entry in entries if UnfinishedError.__name__ in entry["ErrorEquals"])


def _events(state: dict[str, Any]) -> int:
    return EVENTS_OF_STATE.get(state["Type"], 2)


def mean_pause_s(waits: int) -> float:
    """Return the mean length of the pause of a chunk that has waited this often (`shared.outages`)."""
    return 0.75 * min(FIRST_PAUSE_S * 2.0**waits, MAX_PAUSE_S)


def most_events(machine: Definition, parts: int = MAX_PARTS, chunks: int = MAX_CHUNKS) -> int:
    """Return the most events that the history of a load can have, if it is throttled and InfluxDB fails all the time.

    Any part and any chunk may be throttled, as often as its retrier allows, and any chunk may wait for InfluxDB, again
    and again after some progress, and then be throttled anew. Time limits all of this together: a retry or a wait
    delays the load by its mean delay, divided by the number of lanes. So this takes those first that add most events in
    the least time, until the time limit of the execution. What happens outside of the Maps delays the load more.
    """
    left_s, events = float(machine["TimeoutSeconds"]), events_without_retries(machine, parts, chunks)
    for cost_s, number, added in sorted(_delays(machine, parts, chunks), key=lambda delay: delay[0] / delay[2]):
        taken = min(number, int(left_s / cost_s))
        left_s -= taken * cost_s
        events += taken * added
    return events


def _delays(machine: Definition, parts: int, chunks: int) -> Iterator[tuple[float, int, int]]:
    """Yield for each retry and each pause how long it delays the load, how many tasks can have it, and its events."""
    for state, tasks in (("ConvertAndChunk", parts), ("ConvertAgain", parts), ("WriteBatch", chunks)):
        task, lanes = task_and_lanes(machine, state)
        entry = retrier(task)
        for retry in range(entry.attempts):
            yield entry.delay_limit_s(retry) / 2 / lanes, tasks, EVENTS_OF_RETRY
    for waits in range(PAUSES):
        yield mean_pause_s(waits) / lanes, chunks, EVENTS_OF_WAIT
        yield entry.delay_limit_s(0) / 2 / lanes, chunks, EVENTS_OF_RETRY
