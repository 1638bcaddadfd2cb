"""The synthesized definition, executed: which states follow which answers of the functions."""

import copy
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from shared.events import SourceFile
from state_machine.definition import definition as synthesized
from state_machine.settings import MachineSettings
from tests.functional.interpreter import Answer, Ended, Functions, Raised, always, in_turn, interpreter

EVENT = {"bucket": "landing", "key": "dataset=generation/a.parquet"}
HEALTH = {"status": "healthy", "response_time_ms": 1.5, "version": "2.7.12", "bucket": "found"}
PARTS = [{"part": n, "first_group": n, "end_group": n + 1, "first_row": 1000 * n, "rows": 1000} for n in range(2)]
FILE: dict[str, Any] = {
    "load_id": "0123456789abcdef",
    "bucket": "landing",
    "key": "dataset=generation/a.parquet",
    "version_id": "v1",
    "etag": '"e"',
    "size": 4096,
    "dataset": "generation",
    "layout": "wide",
    "rows": 2000,
    "parts": PARTS,
    "skipped": "",
}
Run = Callable[..., Ended]
RESPONSE = {"statusCode": 200, "message": "Data loaded successfully", "data": {"points_written": 2000}}
WRITTEN = {"chunk": "", "written": True, "next_batch": 1, "not_before": "", "waits": 0}


@pytest.fixture(scope="module")
def definition() -> dict[str, Any]:
    return synthesized(MachineSettings(backoff_seconds=1, max_delay_seconds=1, transient_attempts=2))


@pytest.fixture(scope="module")
def run(definition: dict[str, Any]) -> Iterator[Run]:
    """Executes the definition, or another one, on the event of a file."""

    def execute(called: Functions, machine: dict[str, Any] = definition) -> Ended:
        return running.run(machine, called, EVENT)

    with interpreter() as running:
        yield execute


def converted(part_ref: dict[str, Any], *, chunks: int = 2) -> dict[str, Any]:
    part, rows = part_ref["part"]["part"], part_ref["part"]["rows"]
    staged = [{"chunk": f"{part:04}-{n:04}", "sha256": "0" * 64, "points": rows // chunks} for n in range(chunks)]
    return {"part": part, "rows": rows, "points": rows, "chunks": staged}


def functions(**answers: Answer) -> Functions:
    """All is well, unless `answers` say otherwise."""
    healthy: dict[str, Answer] = {
        "check_health": always(HEALTH),
        "validate_schema": always(FILE),
        "convert_and_chunk": converted,
        "write_batch": always(WRITTEN),
        "report_load": always(RESPONSE),
    }
    return Functions(healthy | answers)


def reported(state: dict[str, Any]) -> dict[str, str]:
    """As ReportFailure answers: the error with a response as its cause."""
    return {"error": state["error"]["Error"], "cause": json.dumps({"statusCode": 400, "of": state["error"]["Cause"]})}


def reporting(state: dict[str, Any]) -> Any:
    return reported(state) if "error" in state else RESPONSE


def waiting() -> Answer:
    """The first chunk is written half, and InfluxDB asks to be left alone until a time that has come by then."""
    half = {"chunk": "0000-0000", "written": False, "next_batch": 7, "not_before": "2024-01-02T03:04:05Z", "waits": 1}
    return in_turn(half, *[WRITTEN] * 4)


def test_a_load_ends_with_the_report(run: Run) -> None:
    called = functions()
    ended = run(called)
    assert (ended.status, ended.output) == ("SUCCEEDED", RESPONSE)
    assert [name for name, _ in called.calls] == [
        "check_health",
        "validate_schema",
        *["convert_and_chunk"] * 2,
        *["write_batch"] * 4,
        "report_load",
    ]


def test_each_function_gets_what_its_event_says(run: Run) -> None:
    called = functions()
    run(called)
    asked = called.payloads("check_health")[0]
    assert asked["event"] == EVENT
    assert asked["execution"]["name"] == "execution"
    assert asked["execution"]["id"].endswith(":execution")
    assert datetime.fromisoformat(asked["execution"]["start_time"]).tzinfo
    source_file = {key: FILE[key] for key in SourceFile.__annotations__}
    parts = [{"execution": "execution", "file": source_file, "part": part} for part in PARTS]
    assert sorted(called.payloads("convert_and_chunk"), key=lambda ref: ref["part"]["part"]) == parts
    assert min(called.payloads("write_batch"), key=lambda ref: ref["chunk"]) == {
        "load_id": FILE["load_id"],
        "dataset": "generation",
        "execution": "execution",
        "chunk": "0000-0000",
        "sha256": "0" * 64,
        "points": 500,
        "next_batch": 0,
        "waits": 0,
    }
    assert called.payloads("report_load") == [asked | {"health": HEALTH, "file": FILE}]


@pytest.mark.parametrize("skipped", ["", "an empty object"])
def test_no_rows_and_skipped_objects_go_straight_to_the_report(run: Run, skipped: str) -> None:
    called = functions(validate_schema=always(FILE | {"rows": 0, "parts": [], "skipped": skipped}))
    ended = run(called)
    assert ended.status == "SUCCEEDED"
    assert ended.states == ["Receive", "CheckHealth", "ValidateSchema", "AnyRows?", "ReportLoad"]


def test_parts_without_chunks_leave_nothing_to_write(run: Run) -> None:
    called = functions(convert_and_chunk=lambda ref: converted(ref) | {"chunks": []})
    assert run(called).status == "SUCCEEDED"
    assert called.payloads("write_batch") == []


def test_a_transient_error_is_retried(run: Run) -> None:
    called = functions(check_health=in_turn(Raised("InfluxUnavailableError"), HEALTH))
    ended = run(called)
    assert ended.status == "SUCCEEDED"
    assert len(called.payloads("check_health")) == 2


def test_a_transient_error_that_stays_fails_the_load(run: Run) -> None:
    called = functions(check_health=always(Raised("InfluxUnavailableError", "no answer")), report_load=reporting)
    ended = run(called)
    assert (ended.status, ended.error) == ("FAILED", "InfluxUnavailableError")
    assert len(called.payloads("check_health")) == 3


def test_a_killed_function_is_tried_once_more(run: Run) -> None:
    called = functions(convert_and_chunk=always(Raised("Runtime.ExitError")), report_load=reporting)
    ended = run(called)
    assert ended.error == "Runtime.ExitError"
    parts = [ref["part"]["part"] for ref in called.payloads("convert_and_chunk")]
    assert max(parts.count(part) for part in parts) == 2


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("check_health", "InfluxUnauthorizedError"),
        ("validate_schema", "SchemaMismatchError"),
        ("convert_and_chunk", "CollidingRecordsError"),
        ("write_batch", "RefusedPointsError"),
    ],
)
def test_other_errors_fail_at_once_with_what_was_reported(run: Run, function: str, error: str) -> None:
    called = functions(**{function: always(Raised(error, "the reason")), "report_load": reporting})
    ended = run(called)
    assert (ended.status, ended.error) == ("FAILED", error)
    cause = json.loads(ended.cause)
    assert cause["statusCode"] == 400
    assert "the reason" in cause["of"]
    assert ended.states[-2:] == ["ReportFailure", "FailLoad"]
    assert called.payloads("report_load")[0]["execution"]["name"] == "execution"


def test_a_report_that_fails_is_reported_as_a_failure(run: Run) -> None:
    called = functions(report_load=lambda s: reported(s) if "error" in s else Raised("AccountingError", "sums"))
    ended = run(called)
    assert (ended.status, ended.error) == ("FAILED", "AccountingError")
    assert called.payloads("report_load")[1]["file"] == FILE


def test_a_failure_that_cannot_be_reported_keeps_its_own_name(run: Run) -> None:
    called = functions(validate_schema=always(Raised("CorruptParquetError")), report_load=always(Raised("KeyError")))
    ended = run(called)
    assert (ended.status, ended.error) == ("FAILED", "CorruptParquetError")
    assert "why" in ended.cause
    assert ended.states[-1] == "FailUnreported"


def test_a_chunk_waits_for_influxdb_and_goes_on_where_it_was(run: Run) -> None:
    called = functions(write_batch=waiting())
    ended = run(called)
    assert ended.status == "SUCCEEDED"
    assert ended.states.count("WaitForInflux") == 1
    resumed = [ref for ref in called.payloads("write_batch") if ref["waits"]]
    assert [(ref["next_batch"], ref["waits"]) for ref in resumed] == [(7, 1)]


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
