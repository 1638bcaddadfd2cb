"""Tasks that call a function, and how every task is retried."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from shared.errors import AWS_KILLED_ERRORS, AWS_TRANSIENT_ERRORS, TransientError, error_names
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
    """Invoke `function` with the whole state or with `payload`; retry what may heal, and a killed function once."""
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
    """After exponential backoff with full jitter; with no `attempts`, never, whatever later entries say."""
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
    """These keys of the state, under the same names."""
    return {key: sfn.JsonPath.object_at(f"$.{key}") for key in keys}
