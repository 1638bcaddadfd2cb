"""The state machine and the ledger: how items decide what it does, and which items it writes."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.functional.state_machine.conftest import Run
from tests.support.interpreter import ExecutionResult, Interpreter
from tests.support.ledger_items import (
    CLAIMED,
    FACTS,
    FAILED,
    KEY,
    LOADED,
    OTHER_EXECUTION,
    break_table_name,
    item_of_other_execution,
)
from tests.support.scripted_functions import (
    BUCKET_ID,
    CLAIM,
    FILE,
    FOOTPRINT,
    PINNED,
    REPORT,
    RESPONSE,
    Failure,
    Stub,
    always,
    force_claim,
    in_turn,
    pin_then,
    report_load,
    scripted_functions,
)

FOOTPRINT_ATTRIBUTES = {"footprint" if name == "prefix" else name: value for name, value in FOOTPRINT.items()}
UNDONE = item_of_other_execution("undone", message="m", load_ended_at="2024-01-01T00:00:00Z")
SKIPPED = RESPONSE | {"message": "Skipped: …"}


def the_item(result: ExecutionResult) -> dict[str, Any]:
    (item,) = result.ledger
    return dict(item)


def pinned(**changes: Any) -> Stub:
    """PinSource answers with these changes."""
    claim = changes.pop("claim", {})
    return always(PINNED | {"claim": CLAIM | claim} | changes)


def skipping(call: dict[str, Any]) -> Any:
    return SKIPPED if call["state"] == "ReportSkip" else RESPONSE


def attempts(result: ExecutionResult, error: str) -> int:
    failures = (event.get("taskFailedEventDetails", {}) for event in result.events)
    return sum(failure.get("error") == error for failure in failures)


def test_a_load_is_claimed_before_it_begins(run: Run, local_interpreter: Interpreter) -> None:
    calls: list[dict[str, Any]] = []

    def look(_: object) -> Failure:
        calls.extend(local_interpreter.ledger.scan()["Items"])
        return Failure("SettingsError")

    result = run(scripted_functions(check_health=look))
    claim = {"claimed_at": CLAIM["now"], "lease_until": CLAIM["lease_until"], "execution": result.arn}
    assert [datetime.fromisoformat(item.pop("changed_at")).tzinfo for item in calls] == [UTC]
    assert calls == [{**KEY, **FACTS, **claim, "status": "claimed", "tries": 1}]


def test_a_load_is_settled_with_its_counts_and_its_report(run: Run) -> None:
    result = run(scripted_functions())
    item = the_item(result)
    assert datetime.fromisoformat(item.pop("changed_at")).tzinfo
    assert item == {
        **KEY,
        **FACTS,
        "status": "loaded",
        "execution": result.arn,
        "claimed_at": CLAIM["now"],
        "input_rows": 2000,
        "points_written": 1990,
        "points_rejected": 3,
        "points_superseded": 0,
        "points_not_sent": 0,
        "points_unknown": 0,
        "verdict": "partly loaded",
        "batches_processed": 4,
        "report": REPORT,
        "bucket_id": BUCKET_ID,
        "former_bucket_id": "",
        **FOOTPRINT_ATTRIBUTES,
    }


def test_the_id_of_the_bucket_of_the_load_before_is_kept(run: Run) -> None:
    item = the_item(run(scripted_functions(), ledger=[FAILED | {"bucket_id": "fedcba9876543210"}]))
    assert (item["bucket_id"], item["former_bucket_id"]) == (BUCKET_ID, "fedcba9876543210")


@pytest.mark.parametrize("lease", [{}, {"lease_until": "2023-12-31T18:00:00Z"}])
def test_a_version_that_is_loaded_is_skipped_at_once(run: Run, lease: dict[str, str]) -> None:
    functions = scripted_functions(report_load=skipping)
    result = run(functions, ledger=[LOADED | lease])
    assert (result.status, result.output) == ("SUCCEEDED", SKIPPED)
    assert [name for name, _ in functions.calls] == ["validate_schema", "report_load"]
    assert functions.payloads("report_load")[0]["input"]["file"] == PINNED | {"skipped": "already loaded"}
    assert the_item(result) == LOADED | lease


def test_a_version_that_is_being_loaded_is_left_to_that_execution(run: Run) -> None:
    functions = scripted_functions(report_load=skipping)
    busy = CLAIMED | {"lease_until": "2024-01-01T00:01:01Z"}
    result = run(functions, ledger=[busy])
    assert (result.status, result.output) == ("SUCCEEDED", SKIPPED)
    reason = f"already being loaded by {OTHER_EXECUTION}; its claim expires at 2024-01-01T00:01:01Z"
    assert functions.payloads("report_load")[0]["input"]["file"] == PINNED | {"skipped": reason}
    assert the_item(result) == busy


@pytest.mark.parametrize(
    "item",
    [
        FAILED,
        item_of_other_execution("skipped", message="m"),
        CLAIMED | {"lease_until": "2024-01-01T00:00:59Z"},
    ],
)
def test_a_version_that_failed_was_skipped_or_lost_its_execution_is_loaded(run: Run, item: dict[str, Any]) -> None:
    result = run(scripted_functions(), ledger=[item])
    assert result.output == RESPONSE
    assert (the_item(result)["status"], the_item(result)["execution"]) == ("loaded", result.arn)
    assert not the_item(result).keys() & {"error", "message", "lease_until", "load_ended_at"}


def test_an_undone_version_is_not_loaded(run: Run) -> None:
    """Its input is that of a backfill whose list is older than the undo, or of a late event."""
    functions = scripted_functions(report_load=skipping)
    result = run(functions, ledger=[UNDONE])
    assert (result.status, result.output) == ("SUCCEEDED", SKIPPED)
    reason = functions.payloads("report_load")[0]["input"]["file"]["skipped"]
    assert reason == "its load was undone; `loader load … --force` loads it again"
    assert the_item(result) == UNDONE


@pytest.mark.parametrize("item", [LOADED, UNDONE, CLAIMED | {"lease_until": "2024-01-01T05:00:00Z"}])
def test_force_loads_whatever_the_ledger_says(run: Run, item: dict[str, Any]) -> None:
    result = run(scripted_functions(validate_schema=force_claim()), ledger=[item])
    assert result.output == RESPONSE
    assert (the_item(result)["status"], the_item(result)["execution"]) == ("loaded", result.arn)
    assert not the_item(result).keys() & {"message", "lease_until", "load_ended_at"}


def test_an_input_without_sequencer_keeps_the_stored_one(run: Run) -> None:
    unsequenced = CLAIM | {"sequencer": ""}
    validated = in_turn(*(file | {"claim": unsequenced} for file in (PINNED, FILE)))
    result = run(scripted_functions(validate_schema=validated), ledger=[FAILED])
    assert (the_item(result)["status"], the_item(result)["sequencer"]) == ("loaded", CLAIM["sequencer"])


def test_a_claim_whose_response_was_lost_may_be_repeated(run: Run, definition: dict[str, Any]) -> None:
    twice = copy.deepcopy(definition)
    twice["States"]["ClaimAgain"] = twice["States"]["Claim"]
    twice["States"]["Claim"] = twice["States"]["Claim"] | {"Next": "ClaimAgain"}
    result = run(scripted_functions(), machine=twice)
    assert (result.output, the_item(result)["status"]) == (RESPONSE, "loaded")


def test_an_object_that_needs_no_load_leaves_no_item_in_the_ledger(run: Run) -> None:
    no_load = pinned(claim={"version": ""}, skipped="an empty object")
    functions = scripted_functions(validate_schema=no_load, report_load=skipping)
    result = run(functions)
    assert (result.output, result.ledger) == (SKIPPED, [])
    assert [name for name, _ in functions.calls] == ["validate_schema", "report_load"]


def test_a_version_that_became_superseded_before_its_claim_is_recorded(run: Run) -> None:
    result = run(scripted_functions(validate_schema=pinned(skipped="superseded by version v2"), report_load=skipping))
    assert result.output == SKIPPED
    assert (the_item(result)["status"], the_item(result)["message"]) == ("skipped", "superseded by version v2")
    assert FACTS.items() <= the_item(result).items()


def test_a_late_event_does_not_change_the_item_of_a_loaded_version(run: Run) -> None:
    overtaken = scripted_functions(validate_schema=pinned(skipped="superseded by version v2"), report_load=skipping)
    result = run(overtaken, ledger=[LOADED])
    assert (result.output, the_item(result)) == (SKIPPED, LOADED)


def test_a_version_that_finds_a_newer_one_in_the_ledger_is_settled_as_skipped(run: Run) -> None:
    superseded = pin_then(always(PINNED | {"skipped": "superseded by version v2"}))
    functions = scripted_functions(validate_schema=superseded, report_load=skipping)
    result = run(functions)
    assert result.output == SKIPPED
    assert the_item(result)["status"] == "skipped"
    assert "lease_until" not in the_item(result)
    assert functions.payloads("convert_and_chunk") == []


def test_a_version_waits_for_an_older_one_and_looks_again(run: Run) -> None:
    waiting = PINNED | {"not_before": "2024-01-01T00:01:30Z"}
    result = run(scripted_functions(validate_schema=in_turn(PINNED, waiting, waiting, FILE)))
    assert result.output == RESPONSE
    assert result.states.count("WaitForOlder") == 2


def test_a_failure_is_settled_with_its_error_and_its_report(run: Run) -> None:
    corrupt = pin_then(always(Failure("CorruptParquetError")))
    result = run(scripted_functions(validate_schema=corrupt, report_load=report_load))
    assert result.error == "CorruptParquetError"
    item = the_item(result)
    assert (item["status"], item["error"], item["message"]) == ("failed", "CorruptParquetError", "what to do")
    assert (item["report"], "lease_until" in item) == (REPORT, False)


def test_tries_are_counted_until_the_version_is_loaded(run: Run) -> None:
    failing, before = always(Failure("CorruptParquetError")), FAILED | {"tries": 2}
    unhealthy = scripted_functions(check_health=failing, report_load=report_load)
    failed_again = the_item(run(unhealthy, ledger=[before]))
    assert (failed_again["status"], failed_again["tries"]) == ("failed", 3)
    abandoned = CLAIMED | {"lease_until": "2024-01-01T00:00:00Z", "tries": 4}
    assert the_item(run(unhealthy, ledger=[abandoned]))["tries"] == 5
    forced = scripted_functions(validate_schema=force_claim(), check_health=failing, report_load=report_load)
    assert the_item(run(forced, ledger=[LOADED]))["tries"] == 1
    assert "tries" not in the_item(run(scripted_functions(), ledger=[before]))


def test_a_claim_that_ends_with_a_skip_is_no_try(run: Run) -> None:
    replaced = in_turn(PINNED, FILE | {"skipped": "older revision than v2, which is loaded or being loaded"})
    item = the_item(run(scripted_functions(validate_schema=replaced), ledger=[FAILED | {"tries": 2}]))
    assert (item["status"], "tries" in item) == ("skipped", False)


def test_a_failure_that_cannot_be_reported_is_settled_with_its_error(run: Run) -> None:
    unhealthy, unreported = always(Failure("BucketNotFoundError")), always(Failure("KeyError"))
    result = run(scripted_functions(check_health=unhealthy, report_load=unreported))
    item = the_item(result)
    assert (item["status"], item["error"], item["report"]) == ("failed", "BucketNotFoundError", "")
    assert "why" in item["message"]


def test_a_failure_before_the_version_is_known_is_not_in_the_ledger(run: Run) -> None:
    result = run(scripted_functions(validate_schema=always(Failure("SourceNotFoundError")), report_load=report_load))
    assert (result.error, result.ledger) == ("SourceNotFoundError", [])


@pytest.mark.parametrize("state", ["Claim", "ReadClaim"])
def test_a_ledger_that_is_unavailable_is_retried_and_then_fails_the_load(
    run: Run, definition: dict[str, Any], state: str
) -> None:
    functions = scripted_functions(report_load=report_load)
    result = run(functions, machine=break_table_name(definition, state), ledger=[LOADED])
    assert (result.status, result.error) == ("FAILED", "DynamoDB.ResourceNotFoundException")
    assert attempts(result, "DynamoDB.ResourceNotFoundException") == 3
    assert functions.payloads("check_health") == []
    assert the_item(result) == LOADED


def test_a_denied_request_to_the_ledger_is_not_retried(run: Run) -> None:
    result = run(scripted_functions(report_load=skipping), ledger=[LOADED])
    assert attempts(result, "DynamoDB.ConditionalCheckFailedException") == 1


def test_a_load_succeeds_even_if_the_ledger_cannot_be_updated(run: Run, definition: dict[str, Any]) -> None:
    result = run(scripted_functions(), machine=break_table_name(definition, "SettleLoaded"))
    assert result.status == "SUCCEEDED"
    assert attempts(result, "DynamoDB.ResourceNotFoundException") == 3
    assert result.output["data"].pop("unsettled")["Error"] == "DynamoDB.ResourceNotFoundException"
    assert result.output | {"data": RESPONSE["data"]} == RESPONSE
    assert the_item(result)["status"] == "claimed"


def test_an_execution_that_lost_its_claim_does_not_settle(run: Run, local_interpreter: Interpreter) -> None:
    functions = scripted_functions(report_load=lambda _: local_interpreter.ledger.put_item(Item=CLAIMED) and RESPONSE)
    result = run(functions)
    assert result.output["data"]["unsettled"]["Error"] == "DynamoDB.ConditionalCheckFailedException"
    assert the_item(result) == CLAIMED


@pytest.mark.parametrize("state", ["SettleFailed", "SettleSkipped"])
def test_an_execution_ends_the_same_if_the_ledger_cannot_be_updated(
    run: Run, definition: dict[str, Any], state: str
) -> None:
    corrupt = Failure("CorruptParquetError") if state == "SettleFailed" else PINNED | {"skipped": "superseded"}
    stubs = {
        "validate_schema": pin_then(always(corrupt)),
        "report_load": lambda s: (report_load if "error" in s["input"] else skipping)(s),
    }
    settled = run(scripted_functions(**stubs))
    unsettled = run(scripted_functions(**stubs), machine=break_table_name(definition, state))
    assert (settled.status, settled.error, settled.cause, settled.output) == (
        unsettled.status,
        unsettled.error,
        unsettled.cause,
        unsettled.output,
    )
    assert the_item(unsettled)["status"] == "claimed"
