"""Tasks that invoke a function, their payloads and their retries.

`invocation` makes the task and adds its retriers with `wait_while_throttled` and `retry`. `call_payload` and
`state_keys` select the payload.
"""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from shared.aws_errors import AWS_KILLED_ERRORS, AWS_TRANSIENT_ERRORS, Service, throttling_names, unclear_names
from shared.errors import AwsThrottledError, DeletionRunningError, OutageError, TransientError, error_names
from state_machine.settings import MachineSettings

Payload = dict[str, Any]
Task = sfn.TaskStateBase | sfn.CustomState


def invocation(
    scope: Construct,
    state: str,
    function: lambda_.IFunction,
    *,
    settings: MachineSettings,
    payload: Payload | None = None,
    result_path: str | None = None,
    throttled_attempts: int | None = None,
    discard_result: bool = False,
    waits_itself: bool = False,
) -> tasks.LambdaInvoke:
    """Return a task that invokes `function`, with retriers for throttling, transient errors and killed functions.

    Args:
        scope: The construct that contains the state.
        state: The state's name.
        function: The function to invoke.
        settings: The numbers and the delays of the retries.
        payload: The event of the function; the whole state by default.
        result_path: The place of the result in the state; by default it replaces the state.
        throttled_attempts: The number of retries while throttled, if it is not the one in `settings`.
        discard_result: Empty the state after the task, which then does not count towards the results of its Map.
        waits_itself: The function asks to be called again while InfluxDB is unavailable, so that an
            OutageError means that its patience is used up.
    """
    task = tasks.LambdaInvoke(
        scope,
        state,
        lambda_function=function,
        payload=sfn.TaskInput.from_object(payload) if payload else None,
        payload_response_only=True,
        result_path=result_path,
        output_path=sfn.JsonPath.DISCARD if discard_result else None,
        retry_on_service_exceptions=False,
    )
    throttled = [*error_names(DeletionRunningError), *error_names(AwsThrottledError)]
    attempts = settings.throttled_attempts if throttled_attempts is None else throttled_attempts
    wait_while_throttled(task, [*throttling_names("Lambda"), *throttled], attempts=attempts, settings=settings)
    others = [*throttled, *(error_names(OutageError) if waits_itself else [])]
    transient = [name for name in error_names(TransientError) if name not in others]
    for errors in (transient, AWS_TRANSIENT_ERRORS):
        retry(task, errors, attempts=settings.transient_attempts, settings=settings)
    retry(task, AWS_KILLED_ERRORS, attempts=settings.killed_attempts, settings=settings)
    return task


def wait_while_throttled(task: Task, errors: Sequence[str], *, attempts: int, settings: MachineSettings) -> None:
    """Add a retrier for throttling: more patient than others, and slower, since each retry asks the throttled service.

    Each of them also adds three events to the execution's history.
    """
    task.add_retry(
        errors=list(errors),
        interval=Duration.seconds(min(settings.throttled_backoff_seconds, settings.max_delay_seconds)),
        backoff_rate=2,
        max_delay=Duration.seconds(settings.max_delay_seconds),
        jitter_strategy=sfn.JitterType.FULL,
        max_attempts=attempts,
    )


def wait_for_service(task: Task, service: Service, *, settings: MachineSettings) -> None:
    """Add the retriers for the throttling of `service`, by a name of its own or one that other errors share."""
    wait_while_throttled(task, throttling_names(service), attempts=settings.throttled_attempts, settings=settings)
    wait_while_throttled(task, unclear_names(service), attempts=settings.unclear_attempts, settings=settings)


def retry(task: Task, errors: Sequence[str], *, attempts: int, settings: MachineSettings) -> None:
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
