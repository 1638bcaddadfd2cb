"""Every path of the definition is right, and the largest load fits into Step Functions."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.state_machine.conftest import Run
from tests.functional.state_machine.interpreter import Ended
from tests.functional.state_machine.scripted_functions import (
    FILE,
    PARTS,
    Raised,
    always,
    converted,
    functions,
    reporting,
    waiting,
)

SCENARIOS = (
    lambda: functions(write_batch=waiting()),
    lambda: functions(validate_schema=always(Raised("CorruptParquetError")), report_load=reporting),
    lambda: functions(validate_schema=always(Raised("CorruptParquetError")), report_load=always(Raised("KeyError"))),
)
"""Together they enter every state."""


def outcome(run: Run, scenario: int, machine: dict[str, Any]) -> Any:
    """What an execution comes to, and which functions it called."""
    called = SCENARIOS[scenario]()
    ended = run(called, machine)
    return ended.status, ended.output, ended.error, ended.cause, sorted(name for name, _ in called.calls)


def reading_paths(machine: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the definition reads a path. A wildcard that finds nothing is an empty list, not an error."""
    for key, value in machine.items() if isinstance(machine, dict) else enumerate(machine):
        if isinstance(value, (dict, list)):
            yield from reading_paths(value, (*place, key))
        elif key not in ("ResultPath", "StartAt") and str(value).startswith("$") and value != "$" and "*" not in value:
            yield (*place, key)


def with_wrong_path(definition: dict[str, Any], place: tuple[Any, ...]) -> dict[str, Any]:
    mutated = copy.deepcopy(definition)
    container: Any = mutated
    for key in place[:-1]:
        container = container[key]
    container[place[-1]] = container[place[-1]].rpartition(".")[0] + ".absent"
    return mutated


def test_a_wrong_path_fails_the_execution(run: Run, definition: dict[str, Any]) -> None:
    ended = run(functions(), with_wrong_path(definition, ("States", "WriteChunks", "ItemSelector", "load_id.$")))
    assert ended.status == "FAILED"


@pytest.mark.parametrize("scenario", [pytest.param(0, marks=pytest.mark.slow), 1, 2])
def test_every_wrong_path_is_noticed(run: Run, definition: dict[str, Any], scenario: int) -> None:
    failures = ["FailLoad", "FailUnreported"]
    reached = [definition["States"].keys() - failures, *([state] for state in failures)][scenario]
    places = [place for place in reading_paths(definition) if place[1] in reached]
    right = outcome(run, scenario, definition)
    unnoticed = [p for p in places if outcome(run, scenario, with_wrong_path(definition, p)) == right]
    assert len(places) >= 2
    assert unnoticed == []


def largest_bytes(ended: Ended) -> int:
    """Of all inputs and outputs of states and functions."""
    details = [part for event in ended.events for part in event.values() if isinstance(part, dict)]
    return max(len(detail.get(name, "").encode()) for detail in details for name in ("input", "output"))


@pytest.mark.slow
def test_the_largest_load_stays_within_the_limits_of_step_functions(run: Run) -> None:
    parts = [PARTS[0] | {"part": part, "rows": 4_000_000} for part in range(40)]
    called = functions(
        validate_schema=always(FILE | {"key": "k" * 1024, "parts": parts, "rows": 160_000_000}),
        convert_and_chunk=lambda part_ref: converted(part_ref, chunks=20),
    )
    ended = run(called)
    assert (ended.status, len(called.payloads("write_batch"))) == ("SUCCEEDED", 800)
    assert largest_bytes(ended) < 128 * 1024
    assert len(ended.events) < 10_000
