"""Every path of the definition is right, and the largest load fits into Step Functions."""

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from benchmarks.retriers import MAX_CHUNKS, MAX_PARTS, events_without_retries
from tests.functional.state_machine.conftest import Run
from tests.support.interpreter import ExecutionResult, Interpreter
from tests.support.ledger_items import break_table_name, item_of_other_execution
from tests.support.scripted_functions import (
    ALL_WRITTEN,
    CLAIM,
    FILE,
    HEALTH,
    PINNED,
    REPLACING,
    RESPONSE,
    SEVERAL_PARTS,
    WRITTEN,
    Failure,
    Payload,
    Stub,
    always,
    convert_part,
    force_claim,
    in_turn,
    pause_once,
    pin_then,
    register_load,
    report_load,
    scripted_functions,
)

CORRUPT = pin_then(always(Failure("CorruptParquetError")))


NO_LOAD = PINNED | {"claim": CLAIM | {"version": ""}, "skipped": "an empty object"}
LATER = PINNED | {"not_before": "2024-01-01T00:00:00Z"}


def shown(call: Payload) -> Payload:
    """Return a response that contains the file that ReportSkip was called for."""
    return RESPONSE | {"data": call["input"]["file"]}


class Scenario(NamedTuple):
    """The functions' stubs, the items of the ledger, and the state that finds no ledger, if any."""

    stubs: Callable[[], Mapping[str, Stub]] = dict
    ledger: Sequence[Mapping[str, Any]] = ()
    without_ledger: str = ""


SCENARIOS = {
    "loaded": Scenario(lambda: {"write_batch": pause_once("WriteLaterError", WRITTEN)}),
    "unhealthy": Scenario(lambda: {"check_health": pause_once("CheckLaterError", HEALTH)}),
    "forced": Scenario(lambda: {"validate_schema": force_claim()}),
    "several parts": Scenario(lambda: {"validate_schema": pin_then(always(FILE | {"parts": SEVERAL_PARTS}))}),
    "losing rows": Scenario(
        lambda: {
            "validate_schema": pin_then(always(FILE | {"parts": SEVERAL_PARTS})),
            "register_load": lambda call: register_load(call, losing=SEVERAL_PARTS[:1]),
        }
    ),
    "replacing": Scenario(lambda: {"validate_schema": pin_then(always(REPLACING))}),
    "replacing by no row": Scenario(lambda: {"validate_schema": pin_then(always(REPLACING | {"rows": 0}))}),
    "waiting for older files": Scenario(
        lambda: {
            "register_load": in_turn(
                ALL_WRITTEN | {"chunks": [{"chunk": "0000-0000", "sha256": "1" * 64, "points": 7}], "written": False},
                ALL_WRITTEN | {"not_before": "2024-01-02T03:04:05Z", "waits": 1},
                ALL_WRITTEN,
            )
        }
    ),
    "no load": Scenario(lambda: {"report_load": shown, "validate_schema": always(NO_LOAD)}),
    "already loaded": Scenario(lambda: {"report_load": shown}, [item_of_other_execution("loaded")]),
    "undone": Scenario(lambda: {"report_load": shown}, [item_of_other_execution("undone")]),
    "being loaded": Scenario(lambda: {"report_load": shown}, [item_of_other_execution("claimed", lease_until="2999")]),
    "overtaken": Scenario(lambda: {"report_load": shown, "validate_schema": always(PINNED | {"skipped": "late"})}),
    "its turn later": Scenario(lambda: {"validate_schema": in_turn(PINNED, LATER, FILE)}),
    "failed": Scenario(lambda: {"validate_schema": CORRUPT, "report_load": report_load}),
    "failed unreported": Scenario(lambda: {"validate_schema": CORRUPT, "report_load": always(Failure("KeyError"))}),
    "unsettled": Scenario(without_ledger="SettleLoaded"),
}
"""Together they enter every state."""


def outcome(run: Run, scenario: Scenario, machine: dict[str, Any]) -> tuple[ExecutionResult, Any]:
    """Run a scenario, and return its execution and a comparable summary: its end, ledger and calls."""
    functions = scripted_functions(**scenario.stubs())
    machine = break_table_name(machine, scenario.without_ledger) if scenario.without_ledger else machine
    result = run(functions, machine, ledger=scenario.ledger, timeout_s=20)
    ledger = [{name: item[name] for name in item.keys() - {"execution", "changed_at"}} for item in result.ledger]
    return result, (
        result.status,
        result.output,
        result.error,
        result.cause,
        ledger,
        sorted(name for name, _ in functions.calls),
    )


def reading_paths(machine: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Return the places where the definition reads a path, except wildcards: one that matches nothing is no error."""
    for key, value in machine.items() if isinstance(machine, dict) else enumerate(machine):
        if isinstance(value, (dict, list)):
            yield from reading_paths(value, (*place, key))
        elif key not in ("ResultPath", "StartAt") and PATH.search(str(value)) and "*" not in value:
            yield (*place, key)


PATH = re.compile(r"(\$\$?(?:\.\w+)*)\.\w+")


def with_wrong_path(definition: dict[str, Any], place: tuple[Any, ...]) -> dict[str, Any]:
    mutated = copy.deepcopy(definition)
    container: Any = mutated
    for key in place[:-1]:
        container = container[key]
    container[place[-1]] = PATH.sub(r"\1.absent", container[place[-1]], count=1)
    return mutated


@pytest.mark.slow
def test_a_wrong_path_fails_the_execution(run: Run, definition: dict[str, Any]) -> None:
    result = run(
        scripted_functions(), with_wrong_path(definition, ("States", "WriteChunks", "ItemSelector", "load_id.$"))
    )
    assert result.status == "FAILED"


def without_retries(definition: dict[str, Any]) -> dict[str, Any]:
    """Return the definition without the retries of its ledger states, which would make a wrong path slow to fail."""
    states = {name: {k: v for k, v in state.items() if k != "Retry"} for name, state in definition["States"].items()}
    return definition | {"States": states}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_wrong_path_is_noticed(run: Run, definition: dict[str, Any]) -> None:
    """At least one scenario must notice it: not every scenario reads every path of a Choice."""
    machine = without_retries(definition)
    unnoticed = list(reading_paths(machine))
    assert len(unnoticed) > 100
    entered = set[str]()
    for scenario in SCENARIOS.values():
        result, right = outcome(run, scenario, machine)
        entered.update(result.states)
        unnoticed = [
            place
            for place in unnoticed
            if place[1] not in result.states or outcome(run, scenario, with_wrong_path(machine, place))[1] == right
        ]
    assert entered >= machine["States"].keys()
    assert unnoticed == []


def largest_bytes(result: ExecutionResult) -> int:
    """Return the size of the largest input or output of a state or function."""
    details = [part for event in result.events for part in event.values() if isinstance(part, dict)]
    return max(len(detail.get(name, "").encode()) for detail in details for name in ("input", "output"))


LONGEST_KEY = f"{FILE['key'].rpartition('/')[0]}/{chr(1) * 1005}"
"""A key of 1,024 bytes, as many as S3 allows, most of which JSON writes as six bytes each."""

LONGEST_EVENT = {
    "version": "0",
    "id": "a" * 36,
    "detail-type": "Object Created",
    "source": "aws.s3",
    "account": "1" * 12,
    "time": "2024-01-01T00:00:00Z",
    "region": "ap-southeast-99",
    "resources": [f"arn:aws:s3:::{'b' * 63}"],
    "detail": {
        "version": "0",
        "bucket": {"name": "b" * 63},
        "object": {
            "key": LONGEST_KEY,
            "size": 10**13,
            "etag": "e" * 40,
            "version-id": "v" * 1024,
            "sequencer": "0" * 40,
        },
        "request-id": "r" * 16,
        "requester": "1" * 12,
        "source-ip-address": "255.255.255.255",
        "reason": "CompleteMultipartUpload",
    },
}
LONGEST_CAUSE = "c" * 32_000
"""The message of an error about as long as the cause that Step Functions passes on."""


def largest_file() -> dict[str, Any]:
    rows = 10**10
    about = {"first_group": 10**6, "end_group": 10**6, "first_row": rows, "rows": rows // MAX_PARTS}
    parts = [{"part": part, "last_modified": 10**9, "file_parts": MAX_PARTS, **about} for part in range(MAX_PARTS)]
    claim = CLAIM | {"object": f"s3://{'b' * 63}/{LONGEST_KEY}", "version": "v" * 1024, "sequencer": "0" * 40}
    return FILE | {"key": LONGEST_KEY, "bucket": "b" * 63, "version_id": "v" * 1024, "claim": claim, "parts": parts}


@pytest.mark.slow
def test_the_largest_load_stays_within_the_limits_of_step_functions(
    local_interpreter: Interpreter, definition: dict[str, Any]
) -> None:
    """Every chunk is written, and then the load fails with a long cause: no state is larger than the ones it passes."""
    chunks, file, long_failure = MAX_CHUNKS // MAX_PARTS, largest_file(), Failure("AccountingError", LONGEST_CAUSE)
    functions = scripted_functions(
        validate_schema=lambda call: file if call["state"] == "ValidateSchema" else file | {"parts": []},
        convert_and_chunk=lambda part_ref: convert_part(part_ref, chunks=chunks),
        report_load=lambda call: long_failure if call["state"] == "ReportLoad" else report_load(call),
    )
    result = local_interpreter.run(definition, functions, LONGEST_EVENT, ledger=(), timeout_s=600)
    assert (result.error, len(functions.payloads("write_batch"))) == ("AccountingError", MAX_CHUNKS)
    assert 64 * 1024 < largest_bytes(result) < 128 * 1024
    assert len(result.events) <= events_without_retries(definition, MAX_PARTS, MAX_CHUNKS)
