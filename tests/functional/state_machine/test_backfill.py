"""The states of a backfill: it lists and loads files until all are listed, and reports at every end."""

from typing import Any

import pytest

from state_machine.definition import backfill_definition
from state_machine.settings import MachineSettings
from tests.functional.state_machine.conftest import Run
from tests.support.scripted_functions import Failure, Stub, always, in_turn, scripted_functions

SUMMARY = {"error": "BucketNotFoundError", "cause": "{}", "message": "m", "report": "r"}


@pytest.fixture(scope="module")
def backfill() -> dict[str, Any]:
    """The definition with a Pass in place of the Map that starts the loads: moto does not read JSON Lines."""
    backfill = backfill_definition(MachineSettings(backoff_seconds=1, max_delay_seconds=1, transient_attempts=2))
    backfill["States"]["LoadFiles"] = {"Type": "Pass", "Next": backfill["States"]["LoadFiles"]["Next"]}
    return backfill


def file_list(number: int, files: int, *, last: bool = True) -> dict[str, Any]:
    position = None if last else {"key": f"{number}.parquet", "version": "v"}
    return {
        "note": "",
        "number": number,
        "key": f"staging/backfills/run/{number:04}.jsonl",
        "files": files,
        "next": position,
    }


@pytest.mark.parametrize(
    ("lists", "states"),
    [
        ([file_list(0, 0)], ["ListFiles", "AnyFiles?", "AllListed?"]),
        ([file_list(0, 2)], ["ListFiles", "AnyFiles?", "LoadFiles", "AllListed?"]),
        (
            [file_list(0, 1, last=False), file_list(1, 0, last=False), file_list(2, 1)],
            [
                *["ListFiles", "AnyFiles?", "LoadFiles", "AllListed?"],
                *["ListFiles", "AnyFiles?", "AllListed?"],
                *["ListFiles", "AnyFiles?", "LoadFiles", "AllListed?"],
            ],
        ),
    ],
)
def test_lists_are_made_and_loaded_in_turn(
    run: Run, backfill: dict[str, Any], lists: list[dict[str, Any]], states: list[str]
) -> None:
    make_list: Stub = in_turn(*lists)
    functions = scripted_functions(list_files=make_list, report_backfill=always({"statusCode": 200}))
    result = run(functions, machine=backfill)
    assert (result.status, result.output) == ("SUCCEEDED", {"statusCode": 200})
    assert result.states == ["Receive", "Begin", "Sweep?", "CheckHealth", *states, "ReportBackfill"]
    assert [call.get("list") for call in functions.payloads("list_files")] == [None, *lists[:-1]]
    (call,) = functions.payloads("report_backfill")
    assert (call["state"], call["input"]["list"]) == ("ReportBackfill", lists[-1])


def test_a_sweep_asks_influxdb_once_and_tells_its_list_that_it_is_down(run: Run, backfill: dict[str, Any]) -> None:
    sweep = {"Type": "Pass", "Result": True, "ResultPath": "$.sweep", "Next": "Sweep?"}
    machine = backfill | {"States": {**backfill["States"], "SetSweep": sweep}}
    machine["States"]["Begin"] = backfill["States"]["Begin"] | {"Next": "SetSweep"}
    functions = scripted_functions(
        check_health=always(Failure("InfluxUnavailableError")),
        list_files=always(file_list(0, 0)),
        report_backfill=always({"statusCode": 200}),
    )
    result = run(functions, machine=machine)
    assert result.status == "SUCCEEDED"
    assert [name for name, _ in functions.calls] == ["find_stale", "check_health", "list_files", "report_backfill"]
    (call,) = functions.payloads("list_files")
    assert call["unhealthy"]["Error"] == "InfluxUnavailableError"


@pytest.mark.parametrize(
    ("failing", "called"), [("check_health", ["check_health"]), ("list_files", ["check_health", "list_files"])]
)
def test_a_backfill_that_cannot_begin_reports_the_error_and_starts_no_load(
    run: Run, backfill: dict[str, Any], failing: str, called: list[str]
) -> None:
    stubs = {failing: always(Failure("BucketNotFoundError"))}
    functions = scripted_functions(report_backfill=always(SUMMARY), **stubs)
    result = run(functions, machine=backfill)
    assert (result.status, result.error) == ("FAILED", "BucketNotFoundError")
    assert [name for name, _ in functions.calls] == [*called, "report_backfill"]
    (call,) = functions.payloads("report_backfill")
    assert (call["state"], call["input"]["error"]["Error"]) == ("ReportGivenUp", "BucketNotFoundError")
