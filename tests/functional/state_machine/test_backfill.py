"""The decision of a backfill whether to load a file: by the ledger, the ids of the buckets, and `force`."""

from typing import Any

import pytest

from state_machine.definition import backfill_definition
from state_machine.settings import MachineSettings
from tests.functional.state_machine.conftest import Run
from tests.support.interpreter import Interpreter
from tests.support.ledger_items import CLAIMED, FAILED, LOADED
from tests.support.scripted_functions import CLAIM, FILE, Failure, always, scripted_functions

OLD, NEW = "0f1e2d3c4b5a6978", "fedcba9876543210"
ITEM = {"bucket": FILE["bucket"], "key": FILE["key"], "etag": FILE["etag"], "last_modified": CLAIM["last_modified"]}


@pytest.fixture(scope="module")
def child() -> dict[str, Any]:
    """The states of a child, in which a Pass of the same name takes the place of each start of a load."""
    backfill = backfill_definition(MachineSettings(backoff_seconds=1, max_delay_seconds=1, transient_attempts=2))
    states = backfill["States"]["LoadFiles"]["ItemProcessor"]
    for name in ("StartLoad", "LoadAgain"):
        request = states["States"][name]["Parameters"]["Input"]
        states["States"][name] = {"Type": "Pass", "Result": {"force": request.get("force", False)}, "End": True}
    return {name: states[name] for name in ("StartAt", "States")}


@pytest.mark.parametrize(
    ("ledger", "current", "last_state"),
    [
        ([], NEW, "StartLoad"),
        ([FAILED], NEW, "StartLoad"),
        ([CLAIMED], NEW, "StartLoad"),
        ([LOADED | {"bucket_id": NEW}], NEW, "Done"),
        ([LOADED | {"bucket_id": OLD}], NEW, "LoadAgain"),
        ([LOADED | {"bucket_id": OLD}], "", "Done"),
        ([LOADED | {"bucket_id": ""}], NEW, "Done"),
        ([LOADED], NEW, "Done"),
        ([LOADED | {"bucket_id": OLD, "dataset": "consumption"}], NEW, "Done"),
    ],
)
def test_a_file_is_loaded_again_only_if_its_bucket_was_replaced(
    local_interpreter: Interpreter, child: dict[str, Any], ledger: list[Any], current: str, last_state: str
) -> None:
    ids = {"generation": current, "consumption": OLD, "transmission": OLD}
    event = ITEM | {"force": False, "bucket_ids": ids}
    result = local_interpreter.run(child, scripted_functions(), event, ledger=ledger, timeout_s=60)
    assert (result.status, result.states[-1]) == ("SUCCEEDED", last_state)


@pytest.mark.parametrize(
    ("key", "last_state"), [(FILE["key"], "LoadAgain"), ("a/_temporary/0.parquet", "Done"), ("_SUCCESS", "Done")]
)
def test_force_loads_every_file_again(
    local_interpreter: Interpreter, child: dict[str, Any], key: str, last_state: str
) -> None:
    event = ITEM | {"key": key, "force": True, "bucket_ids": {"generation": OLD}}
    ledger = [LOADED | {"bucket_id": OLD}]
    result = local_interpreter.run(child, scripted_functions(), event, ledger=ledger, timeout_s=60)
    assert (result.status, result.states[-1]) == ("SUCCEEDED", last_state)
    assert last_state == "Done" or result.output == {"force": True}


def test_a_backfill_reports_that_influxdb_is_not_healthy_and_starts_no_load(run: Run) -> None:
    summary = {"error": "BucketNotFoundError", "cause": "{}", "message": "m", "report": "r"}
    functions = scripted_functions(check_health=always(Failure("BucketNotFoundError")), report_backfill=always(summary))
    result = run(functions, machine=backfill_definition(MachineSettings(backoff_seconds=1)))
    assert (result.status, result.error) == ("FAILED", "BucketNotFoundError")
    assert [name for name, _ in functions.calls] == ["check_health", "report_backfill"]
    (call,) = functions.payloads("report_backfill")
    assert (call["state"], call["input"]["error"]["Error"]) == ("ReportGivenUp", "BucketNotFoundError")
