"""Every action and resource of every role."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.infra.conftest import Assembly

EVERY_FUNCTION = {
    ("logs:CreateLogStream", "own log group"),
    ("logs:PutLogEvents", "own log group"),
    ("xray:PutTelemetryRecords", "*"),
    ("xray:PutTraceSegments", "*"),
}
READ_SOURCE = {("s3:GetObject", "Source/*"), ("s3:GetObjectVersion", "Source/*"), ("s3:ListBucket", "Source")}
READ_STAGED = {("s3:GetObject", "Work/staging/*"), ("s3:ListBucket", "Work")}
READ_TOKEN = {("secretsmanager:GetSecretValue", "Secret")}
LOG_DELIVERY = {
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
NAMES = {r"StorageSource\w+": "Source", r"StorageWork\w+": "Work", r"TokenSecret\w+": "Secret"}


def writes(*keys: str) -> set[tuple[str, str]]:
    return {("s3:PutObject", f"Work/{key}") for key in keys}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def named(resource: Any) -> str:
    """`{"Fn::Join": ["", [{"Fn::GetAtt": ["StorageWork123", "Arn"]}, "/reports/*"]]}` → `Work/reports/*`."""
    if isinstance(resource, str):
        return resource
    if "Fn::Join" in resource:
        return "".join(named(piece) for piece in resource["Fn::Join"][1])
    logical_id = resource.get("Ref") or resource["Fn::GetAtt"][0]
    if re.fullmatch(r"Functions\w+Log\w{8}", logical_id):
        return "own log group"
    known = (name for pattern, name in NAMES.items() if re.fullmatch(pattern, logical_id))
    return next(known, logical_id)


def allowed(assembly: Assembly, role: str) -> set[tuple[str, str]]:
    """Actions and resources of all policies of a role, whose logical id starts with `role`."""
    return {pair for policy in policies_of(assembly, role) for pair in pairs(policy["PolicyDocument"])}


def policies_of(assembly: Assembly, role: str) -> Iterator[Mapping[str, Any]]:
    for policy in assembly.properties("IAM::Policy").values():
        if any(attached["Ref"].startswith(role) for attached in policy["Roles"]):
            yield policy


def pairs(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in as_list(statement["Action"]):
            yield from ((action, named(resource)) for resource in as_list(statement["Resource"]))


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("FunctionsCheckHealth", READ_TOKEN),
        ("FunctionsValidateSchema", READ_SOURCE | writes("staging/findings/*")),
        ("FunctionsConvertAndChunk", READ_SOURCE | writes("staging/*", "quarantine/*")),
        ("FunctionsWriteBatch", READ_STAGED | READ_TOKEN | writes("staging/*/outcomes/*", "quarantine/*")),
        ("FunctionsReportLoad", READ_STAGED | writes("reports/*")),
    ],
)
def test_a_function_may_do_this_and_no_more(assembly: Assembly, role: str, expected: set[tuple[str, str]]) -> None:
    assert allowed(assembly, role) == expected | EVERY_FUNCTION


def test_each_function_has_a_role_of_its_own_without_managed_policies(assembly: Assembly) -> None:
    roles = assembly.properties("IAM::Role")
    assert not any("ManagedPolicyArns" in role for role in roles.values())
    own = [function["Role"]["Fn::GetAtt"][0] for function in assembly.functions.values()]
    assert len(set(own)) == len(assembly.functions)


def test_the_state_machine_may_call_its_functions(assembly: Assembly) -> None:
    functions = assembly.properties("Lambda::Function")
    calls = {("lambda:InvokeFunction", f"{name}{version}") for name in functions for version in ("", ":*")}
    assert allowed(assembly, "LoaderStateMachineRole") == calls | {(action, "*") for action in LOG_DELIVERY}


def test_the_rule_may_start_the_state_machine(assembly: Assembly) -> None:
    [machine] = assembly.properties("StepFunctions::StateMachine")
    assert allowed(assembly, "LoaderStateMachineEventsRole") == {("states:StartExecution", machine)}
