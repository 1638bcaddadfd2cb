"""The waits of a state for InfluxDB: the function says until when, and a Wait state waits.

A task that ends well thus needs no Choice after it: each chunk of a load costs one transition, and each wait four.
"""

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from shared.outages import LaterError
from state_machine.invocations import state_keys


def call_later(
    scope: Construct, task: tasks.LambdaInvoke, error: type[LaterError], *, name: str, keys: tuple[str, ...]
) -> None:
    """Add the states that call a task again at the time that its error demands.

    The cause of an error is JSON that AWS writes. Its `errorMessage` is the `shared.events.Outage`, JSON again, and an
    intrinsic function cannot read a key of what another one returns: that takes two states.

    Args:
        scope: The construct that contains the states.
        task: The task.
        error: The error by which its function asks to be called again.
        name: The name of the Wait state.
        keys: The keys of the state, which keeps nothing else but the new `outage`.
    """
    error_path = sfn.JsonPath.string_at("$.error.Cause")
    cause = sfn.Pass(
        scope, f"{name}Cause", parameters={"cause": sfn.JsonPath.string_to_json(error_path)}, result_path="$.error"
    )
    message = sfn.JsonPath.string_at("$.error.cause.errorMessage")
    outage = sfn.Pass(
        scope, f"{name}Outage", parameters=state_keys(*keys) | {"outage": sfn.JsonPath.string_to_json(message)}
    )
    wait = sfn.Wait(scope, name, time=sfn.WaitTime.timestamp_path("$.outage.not_before"))
    task.add_catch(cause, errors=[error.__name__], result_path="$.error")
    cause.next(outage).next(wait).next(task)
