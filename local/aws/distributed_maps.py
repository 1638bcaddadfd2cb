"""Distributed Maps in ministack: limits that the input gives, and an end when their execution is stopped."""

# ministack offers no way to change this from outside, so its private functions are replaced.
# ruff: noqa: SLF001

from typing import Any

from ministack.services import stepfunctions

_run_distributed_map = stepfunctions._run_distributed_map
_run_sub_machine = stepfunctions._run_sub_machine

_LIMITS = ("MaxConcurrency", "ToleratedFailurePercentage")


def mend_distributed_maps() -> None:
    """Replace the functions that differ from AWS."""
    stepfunctions._run_distributed_map = _with_limits_of_the_input
    stepfunctions._run_sub_machine = _unless_stopped


def _with_limits_of_the_input(state: dict[str, Any], raw_input: Any, effective: Any, *args: Any) -> Any:
    """ministack knows the fields with numbers, and not those with a path to a number."""
    paths = {limit: state[f"{limit}Path"] for limit in _LIMITS if f"{limit}Path" in state}
    limits = {limit: stepfunctions._resolve_path(path, effective) for limit, path in paths.items()}
    return _run_distributed_map(state | limits, raw_input, effective, *args)


def _unless_stopped(states: Any, start_at: Any, input_data: Any, execution: dict[str, Any], ctx: Any) -> Any:
    """A child does not begin once StopExecution was called; ministack would run all of them to their end."""
    if "mapRunArn" in execution:
        parent = stepfunctions._map_runs[execution["mapRunArn"]]["executionArn"]
        if stepfunctions._executions[parent]["status"] == "ABORTED":
            raise stepfunctions._ExecutionError("States.Aborted", "the execution of the Map was stopped")
    return _run_sub_machine(states, start_at, input_data, execution, ctx)
