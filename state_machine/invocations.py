"""Tasks that invoke a function, their payloads and their retries.

`invocation` makes the task and adds its retriers with `retry`. `call_payload` and `state_keys` select the payload.
"""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from shared.aws_errors import AWS_KILLED_ERRORS, AWS_TRANSIENT_ERRORS
from shared.errors import TransientError, error_names
from state_machine.settings import MachineSettings

Payload = dict[str, Any]


def invocation(
    scope: Construct,
    state: str,
    function: lambda_.IFunction,
    *,
    settings: MachineSettings,
    payload: Payload | None = None,
    result_path: str | None = None,
) -> tasks.LambdaInvoke:
    """Return a task that invokes `function`, with retriers for transient errors and killed functions.

    Args:
        scope: The construct that contains the state.
        state: The state's name.
        function: The function to invoke.
        settings: The numbers and the delays of the retries.
        payload: The event of the function; the whole state by default.
        result_path: The place of the result in the state; by default it replaces the state.
    """
    task = tasks.LambdaInvoke(
        scope,
        state,
        lambda_function=function,
        payload=sfn.TaskInput.from_object(payload) if payload else None,
        payload_response_only=True,
        result_path=result_path,
        retry_on_service_exceptions=False,
    )
    for errors in (error_names(TransientError), AWS_TRANSIENT_ERRORS):
        retry(task, errors, attempts=settings.transient_attempts, settings=settings)
    retry(task, AWS_KILLED_ERRORS, attempts=settings.killed_attempts, settings=settings)
    return task


def retry(
    task: sfn.TaskStateBase | sfn.CustomState, errors: Sequence[str], *, attempts: int, settings: MachineSettings
) -> None:
    """Add a retrier with exponential backoff and full jitter.

    Step Functions uses the first retrier that matches an error. `attempts=0` therefore means never, and hides later
    retriers for the same errors.
    """
    task.add_retry(
        errors=list(errors),
        interval=Duration.seconds(settings.backoff_seconds),
        backoff_rate=2,
        max_delay=Duration.seconds(settings.max_delay_seconds),
        jitter_strategy=sfn.JitterType.FULL,
        max_attempts=attempts,
    )


def call_payload(*keys: str) -> Payload:
    """Return the payload `shared.state_calls.StateCall`: the state's name, and its input or only these keys of it."""
    return {
        "state": sfn.JsonPath.string_at("$$.State.Name"),
        "input": state_keys(*keys) if keys else sfn.JsonPath.object_at("$"),
    }


def state_keys(*keys: str) -> Payload:
    """Return a payload with these keys of the state, under the same names."""
    return {key: sfn.JsonPath.object_at(f"$.{key}") for key in keys}
