"""Maps in ministack, run as on AWS.

Inline Maps end with their first failed iteration: `_run_until_first_failure` raises its error at once, and iterations
that are still running execute no further Task. Distributed Maps read their limits from the input, and start no further
children after StopExecution. The history has the Tasks and Waits inside an inline Map, too.

ministack runs each iteration in a copy of the context of its Map, so a context variable tells what a Task belongs to.
"""

# ministack has no public hook for this, so its private functions are replaced.
# ruff: noqa: SLF001

import json
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from contextvars import ContextVar, copy_context
from threading import Thread
from typing import Any

from ministack.services import stepfunctions

_run_distributed_map = stepfunctions._run_distributed_map
_run_map_items = stepfunctions._run_map_items
_run_sub_machine = stepfunctions._run_sub_machine
_execute_task = stepfunctions._execute_task
_execute_wait = stepfunctions._execute_wait
_add_event = stepfunctions._add_event

_LIMITS = ("MaxConcurrency", "ToleratedFailurePercentage")

_enclosing_maps: ContextVar[tuple["Future[Any]", ...]] = ContextVar("_enclosing_maps", default=())
"""The results of the Maps around the current state, the innermost one last. A result that is there ends its Map."""

_begins_iteration: ContextVar[bool] = ContextVar("_begins_iteration", default=False)
"""True until the next sub-machine starts: that one is the iteration, and those inside it are branches."""


class _StoppedError(Exception):
    """The Map of this iteration has ended. No Retry or Catch of a state machine matches this."""


def patch_maps() -> None:
    """Replace the functions that behave differently on AWS."""
    stepfunctions._run_distributed_map = _run_with_limits_from_input
    stepfunctions._run_map_items = _run_until_first_failure
    stepfunctions._run_sub_machine = _run_iteration
    stepfunctions._execute_task = _execute_unless_stopped
    stepfunctions._execute_wait = _wait_in_map
    stepfunctions._add_event = _add_event_unless_stopped


def _run_with_limits_from_input(state: dict[str, Any], raw_input: Any, effective: Any, *args: Any) -> Any:
    """Run the Map with `MaxConcurrencyPath` and `ToleratedFailurePercentagePath`, which ministack ignores."""
    paths = {limit: state[f"{limit}Path"] for limit in _LIMITS if f"{limit}Path" in state}
    limits = {limit: stepfunctions._resolve_path(path, effective) for limit, path in paths.items()}
    return _run_distributed_map(state | limits, raw_input, effective, *args)


def _run_until_first_failure(state: dict[str, Any], *args: Any) -> Any:
    """Run a Map in a thread of its own and wait for its end or its first failure, whichever is earlier."""
    processor = state.get("Iterator") or state.get("ItemProcessor", {})
    if processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
        return _run_map_items(state, *args)
    result: Future[Any] = Future()

    def run() -> None:
        _enclosing_maps.set((*_enclosing_maps.get(), result))
        _begins_iteration.set(True)
        with suppress(InvalidStateError):  # an iteration has failed and has set the result
            try:
                result.set_result(_run_map_items(state, *args))
            except Exception as error:  # noqa: BLE001 - raised again by result.result()
                result.set_exception(error)

    Thread(target=copy_context().run, args=(run,), daemon=True).start()
    return result.result()


def _run_iteration(states: Any, start_at: Any, input_data: Any, execution: dict[str, Any], ctx: Any) -> Any:
    """Run an iteration, a child execution or a branch, unless what it belongs to has ended."""
    _check_parent_execution(execution)
    if not _begins_iteration.get():
        return _run_sub_machine(states, start_at, input_data, execution, ctx)
    _begins_iteration.set(False)
    _check_enclosing_maps()
    try:
        return _run_sub_machine(states, start_at, input_data, execution, ctx)
    except Exception as error:
        expected = isinstance(error, (stepfunctions._ExecutionError, _StoppedError))
        failure = error if expected else stepfunctions._ExecutionError("States.MapFailed", str(error))
        with suppress(InvalidStateError):  # not the first failure
            _enclosing_maps.get()[-1].set_exception(failure)
        raise


def _execute_unless_stopped(state: Any, raw_input: Any, execution: Any, ctx: Any) -> Any:
    """Execute a Task unless a Map around it has ended."""
    _check_enclosing_maps()
    _add_entry("Task", raw_input, ctx)
    return _execute_task(state, raw_input, execution, ctx)


def _wait_in_map(state: Any, raw_input: Any, ctx: Any = None) -> Any:
    _add_entry("Wait", raw_input, ctx)
    return _execute_wait(state, raw_input, ctx)


def _add_entry(kind: str, raw_input: Any, ctx: Any) -> None:
    """Add the event that a state inside an inline Map begins. ministack adds only those outside."""
    if _enclosing_maps.get():
        details = {"name": ctx["State"]["Name"], "input": json.dumps(raw_input)}
        execution = stepfunctions._executions[ctx["Execution"]["Id"]]
        _add_event_unless_stopped(execution, f"{kind}StateEntered", {"stateEnteredEventDetails": details})


def _add_event_unless_stopped(*args: Any) -> None:
    """Keep what a Task does after the end of its Map out of the execution's history."""
    if not any(result.done() for result in _enclosing_maps.get()):
        _add_event(*args)


def _check_enclosing_maps() -> None:
    if any(result.done() for result in _enclosing_maps.get()):
        raise _StoppedError


def _check_parent_execution(execution: dict[str, Any]) -> None:
    """Raise if StopExecution was called for the parent of a child; ministack would run all children to their end."""
    if "mapRunArn" in execution:
        parent = stepfunctions._map_runs[execution["mapRunArn"]]["executionArn"]
        if stepfunctions._executions[parent]["status"] == "ABORTED":
            raise stepfunctions._ExecutionError("States.Aborted", "the execution of the Map was stopped")
