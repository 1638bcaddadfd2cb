"""The order of states, depending on what the functions return."""

import json
from datetime import datetime
from typing import Any

import pytest

from shared.events import SourceFile
from shared.outages import NO_OUTAGE
from tests.functional.state_machine.conftest import Run
from tests.support.scripted_functions import (
    ALL_WRITTEN,
    EVENT,
    FILE,
    HEALTH,
    PARTS,
    PAUSE,
    PINNED,
    REPLACING,
    RESPONSE,
    SEVERAL_PARTS,
    STALE_REPORT,
    WRITTEN,
    Failure,
    Payload,
    always,
    convert_part,
    in_turn,
    pause_once,
    pin_then,
    register_load,
    report_failure,
    report_load,
    scripted_functions,
)


def test_a_load_ends_with_the_report(run: Run) -> None:
    functions = scripted_functions()
    result = run(functions)
    assert (result.status, result.output) == ("SUCCEEDED", RESPONSE)
    assert [name for name, _ in functions.calls] == [
        "validate_schema",
        "check_health",
        "validate_schema",
        *["convert_and_chunk"] * 2,
        "register_load",
        *["write_batch"] * 4,
        "register_load",
        "report_load",
    ]


def test_each_function_gets_the_event_that_its_type_declares(run: Run) -> None:
    functions = scripted_functions()
    result = run(functions)
    request = functions.payloads("check_health")[0]
    assert (request["event"], request["file"]) == (EVENT, PINNED)
    assert (request["execution"]["name"], request["execution"]["id"]) == (result.name, result.arn)
    assert datetime.fromisoformat(request["execution"]["start_time"]).tzinfo
    source_file = {key: FILE[key] for key in SourceFile.__annotations__}
    common = {"execution": result.name, "file": source_file}
    parts = [common | {"part": part} for part in PARTS]
    assert sorted(functions.payloads("convert_and_chunk"), key=lambda ref: ref["part"]["part"]) == parts
    assert min(functions.payloads("write_batch"), key=lambda ref: ref["chunk"]) == {
        "load_id": FILE["load_id"],
        "bucket": FILE["bucket"],
        "key": FILE["key"],
        "dataset": "generation",
        "execution": result.name,
        "chunk": "0000-0000",
        "sha256": "0" * 64,
        "points": 500,
        "lease_until": FILE["claim"]["lease_until"],
        "outage": NO_OUTAGE,
    }
    report_input = {"event": EVENT, "execution": request["execution"], "health": HEALTH, "file": FILE, "stale": {}}
    assert functions.payloads("report_load") == [{"state": "ReportLoad", "input": report_input}]
    pinning, validating = functions.payloads("validate_schema")
    assert (pinning["state"], pinning["input"].keys()) == ("PinSource", {"event", "execution", "outage", "stale"})
    assert validating == {"state": "ValidateSchema", "input": request | {"health": HEALTH, "file": PINNED}}


def test_a_file_without_rows_goes_straight_to_the_report(run: Run) -> None:
    result = run(scripted_functions(validate_schema=pin_then(always(PINNED))))
    assert (result.status, result.output) == ("SUCCEEDED", RESPONSE)
    assert result.states[-4:] == ["ValidateSchema", "AnyRows?", "ReportLoad", "SettleLoaded"]


@pytest.mark.parametrize("rows", [2000, 0])
def test_a_load_that_may_replace_another_one_finds_stale_points_for_its_report(run: Run, rows: int) -> None:
    functions = scripted_functions(validate_schema=pin_then(always(REPLACING | {"rows": rows})))
    assert run(functions).status == "SUCCEEDED"
    assert [name for name, _ in functions.calls][-2:] == ["find_stale", "report_load"]
    (call,) = functions.payloads("find_stale")
    assert (call["state"], call["input"].keys()) == ("FindStale", {"execution", "health", "file"})
    (report,) = functions.payloads("report_load")
    assert report["input"]["stale"] == STALE_REPORT


@pytest.mark.parametrize("error", ["RuntimeError", "Sandbox.Timedout"])
def test_a_search_for_stale_points_that_fails_does_not_fail_the_load(run: Run, error: str) -> None:
    """It is not repeated, since the load waits for it."""
    functions = scripted_functions(
        validate_schema=pin_then(always(REPLACING)), find_stale=always(Failure(error, "why"))
    )
    assert run(functions).status == "SUCCEEDED"
    assert len(functions.payloads("find_stale")) == 1
    (report,) = functions.payloads("report_load")
    assert report["input"]["stale"]["Error"] == error


def test_parts_without_chunks_leave_nothing_to_write(run: Run) -> None:
    functions = scripted_functions(convert_and_chunk=lambda ref: convert_part(ref) | {"chunks": []})
    assert run(functions).status == "SUCCEEDED"
    assert functions.payloads("write_batch") == []


def test_a_part_with_rows_that_lose_their_place_is_converted_again_when_the_comparison_is_finished(run: Run) -> None:
    comparisons = in_turn(Failure("UnfinishedError"), Failure("UnfinishedError"), None)

    def compare(call: Payload) -> Any:
        unfinished = comparisons(call) if call["state"] == "CompareParts" else None
        return unfinished or register_load(call, losing=SEVERAL_PARTS[1:])

    several_parts = pin_then(always(FILE | {"parts": SEVERAL_PARTS}))
    functions = scripted_functions(validate_schema=several_parts, register_load=compare)
    result = run(functions)
    assert result.status == "SUCCEEDED"
    again = [ref for ref in functions.payloads("convert_and_chunk") if ref.get("losing_rows")]
    assert [ref["part"] for ref in again] == SEVERAL_PARTS[1:]
    [register] = [call["input"] for call in functions.payloads("register_load") if call["state"] == "RegisterLoad"]
    assert {chunk["chunk"][:4] for chunk in register["converted"]["chunks"]} == {"0000"}
    assert {chunk["chunk"][:4] for chunk in register["converted"]["again"]["chunks"]} == {"0001"}
    assert len(functions.payloads("write_batch")) == 4


def test_a_load_waits_for_older_files_and_writes_chunks_again_until_none_is_left(run: Run) -> None:
    again = {"chunk": "0000-0000-again-1", "sha256": "1" * 64, "points": 7}
    replies = in_turn(
        {"chunks": [again | {"chunk": "0000-0000"}], "written": False, "not_before": ""},
        ALL_WRITTEN | {"not_before": "2024-01-02T03:04:05Z", "waits": 1},
        ALL_WRITTEN | {"chunks": [again], "outlasted": 1},
        ALL_WRITTEN,
    )
    functions = scripted_functions(register_load=replies)
    result = run(functions)
    assert (result.status, result.output) == ("SUCCEEDED", RESPONSE)
    delivery = [state for state in result.states if state in DELIVERY]
    assert delivery == [
        *("RegisterLoad", "WriteChunks", "ConfirmWritten", "WaitForOlderFiles", "ConfirmWritten"),
        *("WriteChunks", "ConfirmWritten", "ReportLoad"),
    ]
    assert [ref["chunk"] for ref in functions.payloads("write_batch")] == ["0000-0000", "0000-0000-again-1"]
    first, *later = functions.payloads("register_load")
    assert (first["state"], [call["state"] for call in later]) == ("RegisterLoad", ["ConfirmWritten"] * 3)
    assert first["input"].keys() == {"execution", "health", "file", "converted"}
    assert later[1]["input"]["converted"]["waits"] == 1


DELIVERY = ("RegisterLoad", "WriteChunks", "ConfirmWritten", "WaitForOlderFiles", "ReportLoad")


def test_a_transient_error_is_retried(run: Run) -> None:
    functions = scripted_functions(write_batch=in_turn(Failure("SourceUnavailableError"), *[WRITTEN] * 4))
    result = run(functions)
    assert result.status == "SUCCEEDED"
    assert len(functions.payloads("write_batch")) == 5


def test_a_transient_error_that_persists_fails_the_load(run: Run) -> None:
    functions = scripted_functions(
        check_health=always(Failure("Lambda.ServiceException", "no answer")), report_load=report_load
    )
    result = run(functions)
    assert (result.status, result.error) == ("FAILED", "Lambda.ServiceException")
    assert len(functions.payloads("check_health")) == 3


def test_a_killed_function_is_retried_once(run: Run) -> None:
    one_part = pin_then(always(FILE | {"parts": PARTS[:1]}))
    killed = always(Failure("Runtime.ExitError"))
    functions = scripted_functions(validate_schema=one_part, convert_and_chunk=killed, report_load=report_load)
    result = run(functions)
    assert result.error == "Runtime.ExitError"
    assert len(functions.payloads("convert_and_chunk")) == 2


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("check_health", "InfluxUnauthorizedError"),
        ("validate_schema", "SchemaMismatchError"),
        ("convert_and_chunk", "CollidingRecordsError"),
        ("register_load", "FootprintNotFoundError"),
        ("write_batch", "RefusedPointsError"),
    ],
)
def test_other_errors_fail_at_once_with_the_reported_response(run: Run, function: str, error: str) -> None:
    functions = scripted_functions(**{function: always(Failure(error, "the reason")), "report_load": report_load})
    result = run(functions)
    assert (result.status, result.error) == ("FAILED", error)
    cause = json.loads(result.cause)
    assert cause["statusCode"] == 400
    assert "the reason" in cause["of"]
    assert "ReportFailure" in result.states
    assert result.states[-1] == "FailLoad"
    assert functions.payloads("report_load")[0]["input"]["execution"]["name"] == result.name


def test_a_report_that_fails_is_reported_as_a_failure(run: Run) -> None:
    functions = scripted_functions(
        report_load=lambda s: report_failure(s) if "error" in s["input"] else Failure("AccountingError", "sums")
    )
    result = run(functions)
    assert (result.status, result.error) == ("FAILED", "AccountingError")
    assert functions.payloads("report_load")[1]["input"]["file"] == FILE


def test_a_failure_that_cannot_be_reported_keeps_its_own_name(run: Run) -> None:
    functions = scripted_functions(
        check_health=always(Failure("BucketNotFoundError")), report_load=always(Failure("KeyError"))
    )
    result = run(functions)
    assert (result.status, result.error) == ("FAILED", "BucketNotFoundError")
    assert "why" in result.cause
    assert "Unreported" in result.states


def test_a_chunk_waits_for_influxdb_and_is_written_later(run: Run) -> None:
    functions = scripted_functions(write_batch=pause_once("WriteLaterError", WRITTEN))
    result = run(functions)
    assert result.status == "SUCCEEDED"
    assert result.states.count("WaitForInflux") == 1
    first, *others = functions.payloads("write_batch")
    (resumed,) = [ref for ref in others if ref["chunk"] == first["chunk"]]
    assert resumed == first | {"outage": PAUSE}


def test_a_load_waits_until_influxdb_is_healthy(run: Run) -> None:
    functions = scripted_functions(check_health=pause_once("CheckLaterError", HEALTH))
    result = run(functions)
    assert (result.status, result.states.count("WaitForHealth")) == ("SUCCEEDED", 1)
    first, resumed = functions.payloads("check_health")
    assert resumed == first | {"outage": PAUSE}
    assert "error" not in functions.payloads("report_load")[0]["input"]


def test_a_chunk_costs_one_transition_and_leaves_no_result(run: Run) -> None:
    result = run(scripted_functions())
    inside = result.states[result.states.index("WriteChunks") + 1 : result.states.index("ConfirmWritten")]
    assert inside == ["WriteBatch"] * 4
    (output,) = [
        event["stateExitedEventDetails"]["output"]
        for event in result.events
        if event.get("stateExitedEventDetails", {}).get("name") == "WriteBatch"
    ][:1]
    assert json.loads(output) == {}


@pytest.mark.parametrize("function", ["check_health", "write_batch"])
def test_a_function_whose_patience_is_used_up_is_not_called_again(run: Run, function: str) -> None:
    functions = scripted_functions(**{function: always(Failure("InfluxUnavailableError")), "report_load": report_load})
    assert run(functions).error == "InfluxUnavailableError"
    assert len({str(payload) for payload in functions.payloads(function)}) == len(functions.payloads(function))
