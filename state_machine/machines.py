"""The parts that both state machines share."""

from aws_cdk import Duration
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct


def build_state_machine(
    scope: Construct, definition: sfn.IChainable, *, timeout: Duration, log_group: logs.ILogGroup
) -> sfn.StateMachine:
    """Return a state machine with X-Ray tracing, a log line for each event, and a time limit.

    The log does not contain the data of the states, which would make up most of it: the history keeps them for 90 days.
    """
    return sfn.StateMachine(
        scope,
        "StateMachine",
        definition_body=sfn.DefinitionBody.from_chainable(definition),
        timeout=timeout,
        tracing_enabled=True,
        logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
    )


def execution_paths() -> dict[str, str]:
    """Return the `shared.events.Execution` of the running execution, as paths."""
    return {
        "id": sfn.JsonPath.string_at("$$.Execution.Id"),
        "name": sfn.JsonPath.string_at("$$.Execution.Name"),
        "start_time": sfn.JsonPath.string_at("$$.Execution.StartTime"),
    }
