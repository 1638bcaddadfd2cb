"""Distributed Maps in ministack: limits read from the input, and no new children after StopExecution."""

# ministack has no public hook for this, so its private functions are replaced.
# ruff: noqa: SLF001

from typing import Any

from ministack.services import stepfunctions

_run_distributed_map = stepfunctions._run_distributed_map
_run_sub_machine = stepfunctions._run_sub_machine

_LIMITS = ("MaxConcurrency", "ToleratedFailurePercentage")


def patch_distributed_maps() -> None:
    """Replace the functions that behave differently on AWS."""
    stepfunctions._run_distributed_map = _run_with_limits_from_input
    stepfunctions._run_sub_machine = _run_unless_stopped


def _run_with_limits_from_input(state: dict[str, Any], raw_input: Any, effective: Any, *args: Any) -> Any:
    """Run the Map with `MaxConcurrencyPath` and `ToleratedFailurePercentagePath`, which ministack ignores."""
    paths = {limit: state[f"{limit}Path"] for limit in _LIMITS if f"{limit}Path" in state}
    limits = {limit: stepfunctions._resolve_path(path, effective) for limit, path in paths.items()}
    return _run_distributed_map(state | limits, raw_input, effective, *args)


def _run_unless_stopped(states: Any, start_at: Any, input_data: Any, execution: dict[str, Any], ctx: Any) -> Any:
    """Run a child execution unless its parent was stopped; ministack would run all children to their end."""
    if "mapRunArn" in execution:
        parent = stepfunctions._map_runs[execution["mapRunArn"]]["executionArn"]
        if stepfunctions._executions[parent]["status"] == "ABORTED":
            raise stepfunctions._ExecutionError("States.Aborted", "the execution of the Map was stopped")
    return _run_sub_machine(states, start_at, input_data, execution, ctx)
