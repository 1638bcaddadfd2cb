"""The deployed definition: error names, settings, and its equality with the definition that local interpreters run."""

from collections.abc import Iterator
from typing import Any

from infra_cdk.archives import ROOT
from shared.aws_errors import (
    AWS_CONDITION_FAILED_ERROR,
    AWS_ERRORS,
    AWS_KILLED_ERRORS,
    AWS_START_ERRORS,
    AWS_TRANSIENT_ERRORS,
    Service,
    throttling_names,
    unclear_names,
)
from shared.errors import LoaderError, OutageError, TransientError, error_names
from shared.outages import CheckLaterError, WriteLaterError
from state_machine.definition import FUNCTION_ARN_PREFIX, backfill_definition, definition, definitions_json
from state_machine.diagram import mermaid
from state_machine.settings import MachineSettings
from tests.infra.conftest import Assembly

BACKOFF = {"IntervalSeconds": 2, "BackoffRate": 2, "MaxDelaySeconds": 60, "JitterStrategy": "FULL"}
PATIENT = BACKOFF | {"IntervalSeconds": 30}


def waits_for(service: Service) -> list[Any]:
    """Return the retriers for the throttling of a service."""
    return [
        {"ErrorEquals": throttling_names(service), "MaxAttempts": 200} | PATIENT,
        {"ErrorEquals": unclear_names(service), "MaxAttempts": 20} | PATIENT,
    ]


def states(machine: Any) -> Iterator[tuple[str, Any]]:
    """Yield all states, including those inside of Maps."""
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


def tasks(assembly: Assembly) -> list[Any]:
    return [state for _, state in states(assembly.definition) if state["Type"] == "Task"]


def matched(assembly: Assembly, field: str) -> set[str]:
    """Return the error names in all `Retry` or `Catch` fields."""
    fields = [entry for _, state in states(assembly.definition) for entry in state.get(field, [])]
    return {error for entry in fields for error in entry["ErrorEquals"]}


def test_every_error_that_is_matched_exists(assembly: Assembly) -> None:
    names = {*error_names(LoaderError), *AWS_ERRORS}
    assert matched(assembly, "Retry") <= names
    later = {CheckLaterError.__name__, WriteLaterError.__name__}
    assert matched(assembly, "Catch") == {"States.ALL", AWS_CONDITION_FAILED_ERROR} | later
    assert not later & matched(assembly, "Retry")


def test_every_task_retries_what_may_heal_and_nothing_else(assembly: Assembly) -> None:
    by_name = {name: state for name, state in states(assembly.definition) if state["Type"] == "Task"}
    by_name = {name: task for name, task in by_name.items() if task["Resource"].startswith(FUNCTION_ARN_PREFIX)}
    calls = list(by_name.values())
    patient_errors = ["DeletionRunningError", "AwsThrottledError"]
    throttled = [*throttling_names("Lambda"), *patient_errors]
    ours = [name for name in error_names(TransientError) if name not in patient_errors]
    influx = error_names(OutageError)
    continued = {"ErrorEquals": ["UnfinishedError"], "IntervalSeconds": 1, "MaxAttempts": 40, "BackoffRate": 1}
    assert len(calls) == 14
    for task in calls:
        waits_itself = task["Resource"].endswith(("check_health", "write_batch"))
        transient = [name for name in ours if name not in influx] if waits_itself else ours
        attempts = 1 if task["Resource"].endswith("find_stale") else 6  # the load waits for it
        retriers = [
            {"ErrorEquals": errors, "MaxAttempts": attempts} | BACKOFF
            for errors in (transient, [*AWS_TRANSIENT_ERRORS])
        ]
        continuations = [continued] if task["Resource"].endswith("register_load") else []
        repetitions = 0 if task["Resource"].endswith("find_stale") else 1
        killed = {"ErrorEquals": list(AWS_KILLED_ERRORS), "MaxAttempts": repetitions} | BACKOFF
        assert task["Retry"][1:] == [*retriers, killed, *continuations]
    numbers = [{"ConvertAndChunk": 75, "ConvertAgain": 18, "FindStale": 1}.get(name, 200) for name in by_name]
    patient = [{"ErrorEquals": throttled, "MaxAttempts": number} | PATIENT for number in numbers]
    assert [task["Retry"][0] for task in calls] == patient


def test_every_request_to_the_ledger_is_retried_unless_it_is_refused(assembly: Assembly) -> None:
    requests = [state for state in tasks(assembly) if ":dynamodb:" in state["Resource"]]
    refused = {"ErrorEquals": [AWS_CONDITION_FAILED_ERROR], "MaxAttempts": 0} | BACKOFF
    assert len(requests) == 7
    assert all(
        task["Retry"] == [refused, *waits_for("DynamoDB"), {"ErrorEquals": ["States.ALL"], "MaxAttempts": 6} | BACKOFF]
        for task in requests
    )


def test_a_backfill_waits_while_its_requests_are_throttled(assembly: Assembly) -> None:
    retries = {name: state["Retry"] for name, state in states(assembly.definition_of("Backfill")) if "Retry" in state}
    start = {"ErrorEquals": list(AWS_START_ERRORS), "MaxAttempts": 6} | BACKOFF
    assert retries["StartLoad"] == [*waits_for("StepFunctions"), start]


def test_every_top_level_task_and_map_catches_everything(assembly: Assembly) -> None:
    handled = {
        name: state["Catch"]
        for name, state in assembly.definition["States"].items()
        if "Retry" in state or state["Type"] == "Map"
    }
    reported = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "ReportFailure"}
    lesser = {"SettleLoaded", "SettleSkipped", "SettleFailed", "SettleUnreported", "ReportFailure", "FindStale"}
    assert {name for name, catch in handled.items() if catch[-1] != reported} == lesser
    assert all(catch[-1]["ErrorEquals"] == ["States.ALL"] for catch in handled.values())


def test_a_file_is_written_by_so_many_functions_at_once() -> None:
    machine = definition(MachineSettings(write_concurrency=7))
    assert machine["States"]["WriteChunks"]["MaxConcurrency"] == 7


def test_interpreters_and_the_diagram_get_what_is_deployed(assembly: Assembly) -> None:
    assert definition() == assembly.definition
    assert backfill_definition() == assembly.definition_of("Backfill")


def test_it_is_traced_logged_and_ends(assembly: Assembly) -> None:
    machine = assembly.machine("Loader")
    assert machine["TracingConfiguration"] == {"Enabled": True}
    logging = machine["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)
    assert assembly.definition["TimeoutSeconds"] == 6 * 3600


def test_the_diagram_shows_every_state(assembly: Assembly) -> None:
    diagram = mermaid(assembly.definition)
    assert all(f'"{name}' in diagram for name, _ in states(assembly.definition))


def test_the_snapshot_is_of_today() -> None:
    snapshot = (ROOT / "docs" / "state_machines.json").read_text()
    assert snapshot == definitions_json(), "make snapshot writes it"
