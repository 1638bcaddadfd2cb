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

SKIPPED = RESPONSE | {"message": "Skipped: …"}


def the_item(ended: ExecutionResult) -> dict[str, Any]:
    (item,) = ended.ledger
    return dict(item)


def pinned(**changes: Any) -> Stub:
    """PinSource answers with these changes."""
    claim = changes.pop("claim", {})
    return always(PINNED | {"claim": CLAIM | claim} | changes)


def skipping(call: dict[str, Any]) -> Any:
    return SKIPPED if call["state"] == "ReportSkip" else RESPONSE


def attempts(ended: ExecutionResult, error: str) -> int:
    failures = (event.get("taskFailedEventDetails", {}) for event in ended.events)
    return sum(failure.get("error") == error for failure in failures)


def test_a_load_is_claimed_before_it_begins(run: Run, running: Interpreter) -> None:
    calls: list[dict[str, Any]] = []

    def look(_: object) -> Failure:
        calls.extend(running.ledger.scan()["Items"])
        return Failure("SettingsError")

    ended = run(scripted_functions(check_health=look))
    claim = {"claimed_at": CLAIM["now"], "lease_until": CLAIM["lease_until"], "execution": ended.arn}
    assert [datetime.fromisoformat(item.pop("changed_at")).tzinfo for item in calls] == [UTC]
    assert calls == [{**KEY, **FACTS, **claim, "status": "claimed"}]


def test_a_load_is_settled_with_its_counts_and_its_report(run: Run) -> None:
    ended = run(scripted_functions())
    item = the_item(ended)
    assert datetime.fromisoformat(item.pop("changed_at")).tzinfo
    assert item == {
        **KEY,
        **FACTS,
        "status": "loaded",
        "execution": ended.arn,
        "claimed_at": CLAIM["now"],
        "input_rows": 2000,
        "points_written": 1990,
        "points_rejected": 3,
        "points_not_sent": 0,
        "points_unknown": 0,
        "verdict": "partly loaded",
        "batches_processed": 4,
        "report": REPORT,
        "bucket_id": BUCKET_ID,
        "former_bucket_id": "",
    }


def test_the_id_of_the_bucket_of_the_load_before_is_kept(run: Run) -> None:
    item = the_item(run(scripted_functions(), ledger=[FAILED | {"bucket_id": "fedcba9876543210"}]))
    assert (item["bucket_id"], item["former_bucket_id"]) == (BUCKET_ID, "fedcba9876543210")


@pytest.mark.parametrize("lease", [{}, {"lease_until": "2023-12-31T18:00:00Z"}])
def test_a_version_that_is_loaded_is_skipped_at_once(run: Run, lease: dict[str, str]) -> None:
    called = scripted_functions(report_load=skipping)
    ended = run(called, ledger=[LOADED | lease])
    assert (ended.status, ended.output) == ("SUCCEEDED", SKIPPED)
    assert [name for name, _ in called.calls] == ["validate_schema", "report_load"]
    assert called.payloads("report_load")[0]["input"]["file"] == PINNED | {"skipped": "already loaded"}
    assert the_item(ended) == LOADED | lease


def test_a_version_that_is_being_loaded_is_left_to_that_execution(run: Run) -> None:
    called = scripted_functions(report_load=skipping)
    busy = CLAIMED | {"lease_until": "2024-01-01T00:01:01Z"}
    ended = run(called, ledger=[busy])
    assert (ended.status, ended.output) == ("SUCCEEDED", SKIPPED)
    reason = f"already being loaded by {OTHER_EXECUTION}; its claim expires at 2024-01-01T00:01:01Z"
    assert called.payloads("report_load")[0]["input"]["file"] == PINNED | {"skipped": reason}
    assert the_item(ended) == busy


@pytest.mark.parametrize(
    "item", [FAILED, item_of_other_execution("skipped", message="m"), CLAIMED | {"lease_until": "2024-01-01T00:00:59Z"}]
)
def test_a_version_that_failed_was_skipped_or_lost_its_execution_is_loaded(run: Run, item: dict[str, Any]) -> None:
    ended = run(scripted_functions(), ledger=[item])
    assert ended.output == RESPONSE
    assert (the_item(ended)["status"], the_item(ended)["execution"]) == ("loaded", ended.arn)
    assert not the_item(ended).keys() & {"error", "message", "lease_until"}


@pytest.mark.parametrize("item", [LOADED, CLAIMED | {"lease_until": "2024-01-01T05:00:00Z"}])
def test_force_loads_whatever_the_ledger_says(run: Run, item: dict[str, Any]) -> None:
    ended = run(scripted_functions(validate_schema=force_claim()), ledger=[item])
    assert ended.output == RESPONSE
    assert (the_item(ended)["status"], the_item(ended)["execution"]) == ("loaded", ended.arn)


def test_an_input_without_sequencer_keeps_the_stored_one(run: Run) -> None:
    unsequenced = CLAIM | {"sequencer": ""}
    validated = in_turn(*(file | {"claim": unsequenced} for file in (PINNED, FILE)))
    ended = run(scripted_functions(validate_schema=validated), ledger=[FAILED])
    assert (the_item(ended)["status"], the_item(ended)["sequencer"]) == ("loaded", CLAIM["sequencer"])


def test_a_claim_whose_response_was_lost_may_be_repeated(run: Run, definition: dict[str, Any]) -> None:
    twice = copy.deepcopy(definition)
    twice["States"]["ClaimAgain"] = twice["States"]["Claim"]
    twice["States"]["Claim"] = twice["States"]["Claim"] | {"Next": "ClaimAgain"}
    ended = run(scripted_functions(), machine=twice)
    assert (ended.output, the_item(ended)["status"]) == (RESPONSE, "loaded")


def test_an_object_that_needs_no_load_leaves_no_item_in_the_ledger(run: Run) -> None:
    no_load = pinned(claim={"version": ""}, skipped="an empty object")
    called = scripted_functions(validate_schema=no_load, report_load=skipping)
    ended = run(called)
    assert (ended.output, ended.ledger) == (SKIPPED, [])
    assert [name for name, _ in called.calls] == ["validate_schema", "report_load"]


def test_a_version_that_became_superseded_before_its_claim_is_recorded(run: Run) -> None:
    ended = run(scripted_functions(validate_schema=pinned(skipped="superseded by version v2"), report_load=skipping))
    assert ended.output == SKIPPED
    assert (the_item(ended)["status"], the_item(ended)["message"]) == ("skipped", "superseded by version v2")
    assert FACTS.items() <= the_item(ended).items()


def test_a_late_event_does_not_change_the_item_of_a_loaded_version(run: Run) -> None:
    overtaken = scripted_functions(validate_schema=pinned(skipped="superseded by version v2"), report_load=skipping)
    ended = run(overtaken, ledger=[LOADED])
    assert (ended.output, the_item(ended)) == (SKIPPED, LOADED)


def test_a_version_that_finds_a_newer_one_in_the_ledger_is_settled_as_skipped(run: Run) -> None:
    superseded = pin_then(always(PINNED | {"skipped": "superseded by version v2"}))
    called = scripted_functions(validate_schema=superseded, report_load=skipping)
    ended = run(called)
    assert ended.output == SKIPPED
    assert the_item(ended)["status"] == "skipped"
    assert "lease_until" not in the_item(ended)
    assert called.payloads("convert_and_chunk") == []


def test_a_version_waits_for_an_older_one_and_looks_again(run: Run) -> None:
    waiting = PINNED | {"not_before": "2024-01-01T00:01:30Z"}
    ended = run(scripted_functions(validate_schema=in_turn(PINNED, waiting, waiting, FILE)))
    assert ended.output == RESPONSE
    assert ended.states.count("WaitForOlder") == 2


def test_a_failure_is_settled_with_its_error_and_its_report(run: Run) -> None:
    corrupt = pin_then(always(Failure("CorruptParquetError")))
    ended = run(scripted_functions(validate_schema=corrupt, report_load=report_load))
    assert ended.error == "CorruptParquetError"
    item = the_item(ended)
    assert (item["status"], item["error"], item["message"]) == ("failed", "CorruptParquetError", "what to do")
    assert (item["report"], "lease_until" in item) == (REPORT, False)


def test_a_failure_that_cannot_be_reported_is_settled_with_its_error(run: Run) -> None:
    unhealthy, unreported = always(Failure("BucketNotFoundError")), always(Failure("KeyError"))
    ended = run(scripted_functions(check_health=unhealthy, report_load=unreported))
    item = the_item(ended)
    assert (item["status"], item["error"], item["report"]) == ("failed", "BucketNotFoundError", "")
    assert "why" in item["message"]


def test_a_failure_before_the_version_is_known_is_not_in_the_ledger(run: Run) -> None:
    ended = run(scripted_functions(validate_schema=always(Failure("SourceNotFoundError")), report_load=report_load))
    assert (ended.error, ended.ledger) == ("SourceNotFoundError", [])


@pytest.mark.parametrize("state", ["Claim", "ReadClaim"])
def test_a_ledger_that_is_unavailable_is_retried_and_then_fails_the_load(
    run: Run, definition: dict[str, Any], state: str
) -> None:
    called = scripted_functions(report_load=report_load)
    ended = run(called, machine=break_table_name(definition, state), ledger=[LOADED])
    assert (ended.status, ended.error) == ("FAILED", "DynamoDB.ResourceNotFoundException")
    assert attempts(ended, "DynamoDB.ResourceNotFoundException") == 3
    assert called.payloads("check_health") == []
    assert the_item(ended) == LOADED


def test_a_denied_request_to_the_ledger_is_not_retried(run: Run) -> None:
    ended = run(scripted_functions(report_load=skipping), ledger=[LOADED])
    assert attempts(ended, "DynamoDB.ConditionalCheckFailedException") == 1


def test_a_load_succeeds_even_if_the_ledger_cannot_be_updated(run: Run, definition: dict[str, Any]) -> None:
    ended = run(scripted_functions(), machine=break_table_name(definition, "SettleLoaded"))
    assert ended.status == "SUCCEEDED"
    assert attempts(ended, "DynamoDB.ResourceNotFoundException") == 3
    assert ended.output["data"].pop("unsettled")["Error"] == "DynamoDB.ResourceNotFoundException"
    assert ended.output | {"data": RESPONSE["data"]} == RESPONSE
    assert the_item(ended)["status"] == "claimed"


def test_an_execution_that_lost_its_claim_does_not_settle(run: Run, running: Interpreter) -> None:
    called = scripted_functions(report_load=lambda _: running.ledger.put_item(Item=CLAIMED) and RESPONSE)
    ended = run(called)
    assert ended.output["data"]["unsettled"]["Error"] == "DynamoDB.ConditionalCheckFailedException"
    assert the_item(ended) == CLAIMED


@pytest.mark.parametrize("state", ["SettleFailed", "SettleSkipped"])
def test_an_execution_ends_the_same_if_the_ledger_cannot_be_updated(
    run: Run, definition: dict[str, Any], state: str
) -> None:
    corrupt = Failure("CorruptParquetError") if state == "SettleFailed" else PINNED | {"skipped": "superseded"}
    answers = {
        "validate_schema": pin_then(always(corrupt)),
        "report_load": lambda s: (report_load if "error" in s["input"] else skipping)(s),
    }
    settled = run(scripted_functions(**answers))
    unsettled = run(scripted_functions(**answers), machine=break_table_name(definition, state))
    assert (settled.status, settled.error, settled.cause, settled.output) == (
        unsettled.status,
        unsettled.error,
        unsettled.cause,
        unsettled.output,
    )
    assert the_item(unsettled)["status"] == "claimed"
