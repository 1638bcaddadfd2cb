"""The definition as it is deployed: names of errors, settings, and that interpreters run the same."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra_cdk.layers import ROOT
from shared.errors import AWS_ERRORS, AWS_KILLED_ERRORS, AWS_TRANSIENT_ERRORS, LoaderError, TransientError, error_names
from state_machine.definition import FUNCTION_ARN_PREFIX, definition, readable
from state_machine.diagram import mermaid
from tests.infra.conftest import Assembly


def states(machine: Any) -> Iterator[tuple[str, Any]]:
    """All states, those inside of Maps too."""
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


def matched(assembly: Assembly, field: str) -> set[str]:
    """The error names in all `Retry` or `Catch` fields."""
    fields = [entry for _, state in states(assembly.definition) for entry in state.get(field, [])]
    return {error for entry in fields for error in entry["ErrorEquals"]}


def test_every_error_that_is_matched_exists(assembly: Assembly) -> None:
    known = {*error_names(LoaderError), *AWS_ERRORS}
    assert matched(assembly, "Retry") <= known
    assert matched(assembly, "Catch") == {"States.ALL"}


def test_every_task_retries_what_may_heal_and_nothing_else(assembly: Assembly) -> None:
    tasks = [state for _, state in states(assembly.definition) if state["Type"] == "Task"]
    transient, killed = [error_names(TransientError), list(AWS_TRANSIENT_ERRORS)], list(AWS_KILLED_ERRORS)
    backoff = {"IntervalSeconds": 2, "BackoffRate": 2, "MaxDelaySeconds": 60, "JitterStrategy": "FULL"}
    retry = [
        *({"ErrorEquals": errors, "MaxAttempts": 6} | backoff for errors in transient),
        {"ErrorEquals": killed, "MaxAttempts": 1} | backoff,
    ]
    assert len(tasks) == 6
    assert all(task["Retry"] == retry for task in tasks)


@pytest.mark.parametrize("state", ["CheckHealth", "ValidateSchema", "ConvertParts", "WriteChunks", "ReportLoad"])
def test_every_failure_is_reported(assembly: Assembly, state: str) -> None:
    caught = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "ReportFailure"}
    assert assembly.definition["States"][state]["Catch"] == [caught]


def test_interpreters_and_the_diagram_get_what_is_deployed(assembly: Assembly) -> None:
    def without_arns(machine: Any) -> Any:
        for _, state in states(machine):
            state.update(
                {"Resource": state["Resource"].removeprefix(FUNCTION_ARN_PREFIX)} if "Resource" in state else {}
            )
        return machine

    assert without_arns(definition()) == assembly.definition


def test_it_is_traced_logged_and_ends(assembly: Assembly) -> None:
    [machine] = assembly.properties("StepFunctions::StateMachine").values()
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert assembly.definition["TimeoutSeconds"] == 6 * 3600


def test_the_diagram_shows_every_state(assembly: Assembly) -> None:
    diagram = mermaid(assembly.definition)
    assert all(f'"{name}' in diagram for name, _ in states(assembly.definition))


def test_the_snapshot_is_of_today() -> None:
    snapshot = (ROOT / "docs" / "state_machine.json").read_text()
    assert snapshot == readable(definition()), "make snapshot writes it"
