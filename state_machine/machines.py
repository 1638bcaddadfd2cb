"""What both state machines have in common."""

from aws_cdk import Duration
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct


def build_state_machine(
    scope: Construct, definition: sfn.IChainable, *, timeout: Duration, log_group: logs.ILogGroup
) -> sfn.StateMachine:
    """A state machine that is traced, logged with its data, and ends."""
    return sfn.StateMachine(
        scope,
        "StateMachine",
        definition_body=sfn.DefinitionBody.from_chainable(definition),
        timeout=timeout,
        tracing_enabled=True,
        logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=True),
    )


def execution_paths() -> dict[str, str]:
    """`shared.events.Execution`."""
    return {
        "id": sfn.JsonPath.string_at("$$.Execution.Id"),
        "name": sfn.JsonPath.string_at("$$.Execution.Name"),
        "start_time": sfn.JsonPath.string_at("$$.Execution.StartTime"),
    }
