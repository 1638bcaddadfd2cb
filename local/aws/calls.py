"""A record of the AWS calls that functions, state machines, and rules make while their roles are enforced.

ministack enforces the roles of functions only. Here, each call is evaluated against the policies of the role that AWS
would check for it: the request of a function, what a state or a Map calls, and what a rule starts. `record_calls`
replaces the functions of ministack that see these calls, and `_record` appends each one to a file, as a line of JSON:

    {"role": "BackfillRole", "action": "s3:GetObject", "resource": "arn:aws:s3:::work/list-0", "allowed": true}
"""

# ministack has no public hook for this, so its private functions are replaced.
# ruff: noqa: SLF001

import json
import os
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, stepfunctions

CALLS_FILE = "LOCAL_CALLS"
"""The environment variable with the path of the file."""

_enforce = iam_evaluator.enforce
_dynamodb_service_context = iam_actions.dynamodb_service_context

_machine: ContextVar[str] = ContextVar("_machine")
"""The ARN of the state machine that the current state belongs to."""


def record_calls() -> None:
    """Replace the functions through which calls go. Patches of the same functions must be made before."""
    iam_evaluator.enforce = _enforce_and_record
    iam_actions.dynamodb_service_context = _context_with_item
    stepfunctions._execute_task = _remember_machine(stepfunctions._execute_task)
    stepfunctions._invoke_resource = _record_state(stepfunctions._invoke_resource)
    stepfunctions._read_map_items = _record_reader(stepfunctions._read_map_items)
    eventbridge._invoke_target = _record_target(eventbridge._invoke_target)


def _enforce_and_record(access_key: str, action: str, service: str, region: str, **request: Any) -> Any:
    """Record the request of a function. Requests of this machine's user have no session, so no role."""
    denied = _enforce(access_key, action, service, region, **request)
    identity = iam_evaluator.resolve_caller_identity(access_key)
    if identity and identity["session"]:
        role = iam_evaluator._role_name_from_assumed_arn(identity["userArn"])
        _record(role, action, request.get("resource_arn", "*"), allowed=denied is None)
    return denied


def _context_with_item(body: bytes) -> dict[str, Any]:
    """Add the keys for conditions on a request for one item: ministack leaves them out, so that any value meets them.

    Of the attributes, only those of the key and those that the request names by a placeholder are known.
    """
    context: dict[str, Any] = _dynamodb_service_context(body)
    request = json.loads(body or b"{}")
    if key := request.get("Key"):
        names = request.get("ExpressionAttributeNames", {}).values()
        context["dynamodb:LeadingKeys"] = [key["object"]["S"]]
        context["dynamodb:Attributes"] = sorted({*key, *names})
        context["dynamodb:ReturnValues"] = request.get("ReturnValues", "NONE")
    return context


def _remember_machine(execute: Any) -> Any:
    def execute_task(state: Any, raw_input: Any, execution: Any, ctx: dict[str, Any]) -> Any:
        token = _machine.set(ctx["StateMachine"]["Id"])
        try:
            return execute(state, raw_input, execution, ctx)
        finally:
            _machine.reset(token)

    return execute_task


def _record_state(invoke: Any) -> Any:
    def invoke_resource(resource: str, request: dict[str, Any]) -> Any:
        if app.AUTH:
            _evaluate(_machine_role(_machine.get()), *_action_of_state(resource, request))
        return invoke(resource, request)

    return invoke_resource


def _record_reader(read: Any) -> Any:
    def read_map_items(reader: dict[str, Any], effective: Any, ctx: dict[str, Any]) -> Any:
        if app.AUTH:
            parameters = stepfunctions._resolve_params_obj(reader["Parameters"], effective, ctx)
            resource = f"arn:aws:s3:::{parameters['Bucket']}/{parameters['Key']}"
            _evaluate(_machine_role(ctx["StateMachine"]["Id"]), "s3:GetObject", resource)
        return read(reader, effective, ctx)

    return read_map_items


def _record_target(invoke: Any) -> Any:
    def invoke_target(target: dict[str, Any], *args: Any) -> Any:
        if app.AUTH and ":stateMachine:" in target["Arn"]:
            _evaluate(target.get("RoleArn", ""), "states:StartExecution", target["Arn"])
        return invoke(target, *args)

    return invoke_target


def _machine_role(machine: str) -> str:
    return str(stepfunctions._state_machines[machine]["roleArn"])


def _action_of_state(resource: str, request: Mapping[str, Any]) -> tuple[str, str]:
    """Return the action and the resource that AWS checks for a state, or the state's own ones if they are unknown."""
    if resource.startswith("arn:aws:lambda:"):
        return "lambda:InvokeFunction", resource
    if resource.startswith("arn:aws:states:::dynamodb:"):
        operation = resource.rpartition(":")[2]
        table = f"arn:aws:dynamodb:{get_region()}:{get_account_id()}:table/{request['TableName']}"
        return f"dynamodb:{operation[0].upper()}{operation[1:]}", table
    if resource.startswith("arn:aws:states:::states:startExecution"):
        return "states:StartExecution", request["StateMachineArn"]
    return f"unknown:{resource}", "*"


def _evaluate(role_arn: str, action: str, resource: str) -> None:
    """Evaluate a call that ministack makes without a check, and record it."""
    role, account = role_arn.rpartition("/")[2], get_account_id()
    context = iam_evaluator.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
    )
    result = iam_evaluator.evaluate(context, iam_evaluator._gather_role_policies(role, account))
    _record(role, action, resource, allowed=result.decision == "Allow")


def _record(role: str, action: str, resource: str, *, allowed: bool) -> None:
    line = json.dumps({"role": role, "action": action, "resource": resource, "allowed": allowed})
    with Path(os.environ[CALLS_FILE]).open("a") as file:
        file.write(f"{line}\n")
