"""How the time of one measured load divides: by state, from the history of its execution, and what lies around it.

`divide` sorts the moments of a load into spans: from the put to the start of the execution, each state from its first
entry to its last exit, and from the end of the last write to the count query that agrees. States of a Map overlap, so
a state's span is the time in which at least one of its runs was running.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from benchmarks.load_jobs import Bench

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import HistoryEventTypeDef

Span = tuple[float, float]
"""The start and end of a run of a state, in seconds since 1970."""

SHORTEST_S = 0.005
"""Shorter spans are left out: they are states that call no function."""


def last_execution(bench: Bench) -> str:
    """Return the ARN of the execution that started last."""
    machine = bench.outputs["StateMachineArn"]
    newest = bench.stepfunctions.list_executions(stateMachineArn=machine, maxResults=1)["executions"][0]
    return str(newest["executionArn"])


def divide(bench: Bench, put_at: float, counted_at: float) -> dict[str, float]:
    """Return the seconds of the last load by state, in the order of their start.

    `before the execution` begins when the put begins. `until the count` is the time from the end of the execution until
    the query returned all points.

    Args:
        bench: The deployment.
        put_at: When the put began, in seconds since 1970.
        counted_at: When the count query agreed.
    """
    history = bench.stepfunctions.get_paginator("get_execution_history")
    pages = history.paginate(executionArn=last_execution(bench))
    spans = state_spans(event for page in pages for event in page["events"])
    runs = [run for state in spans.values() for run in state]
    seconds = {"before the execution": min(start for start, _ in runs) - put_at}
    seconds |= {state: covered(state_runs) for state, state_runs in spans.items()}
    seconds["until the count"] = counted_at - max(end for _, end in runs)
    return {state: round(value, 3) for state, value in seconds.items() if value >= SHORTEST_S}


def state_spans(events: Iterable["HistoryEventTypeDef"]) -> dict[str, list[Span]]:
    """Return the runs of each state. Which run of a Map ends at an exit does not matter for the time they cover."""
    entered: dict[str, list[float]] = defaultdict(list)
    spans: dict[str, list[Span]] = {}
    for event in events:
        at = event["timestamp"].timestamp()
        if details := event.get("stateEnteredEventDetails"):
            entered[details["name"]].append(at)
            spans.setdefault(details["name"], [])
        elif (left := event.get("stateExitedEventDetails")) and entered[left["name"]]:
            spans[left["name"]].append((entered[left["name"]].pop(0), at))
    return {state: runs for state, runs in spans.items() if runs}


def covered(runs: Iterable[Span]) -> float:
    """Return the seconds in which at least one run was running.

    >>> covered([(0.0, 2.0), (1.0, 3.0), (5.0, 6.0)])
    4.0
    """
    total, end = 0.0, float("-inf")
    for start, run_end in sorted(runs):
        total += max(0.0, run_end - max(start, end))
        end = max(end, run_end)
    return total
