"""The table in docs/permissions.md lists every action and resource of every role."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.infra.conftest import KEY_ARN, Assembly
from tests.support.permission_table import ROLES, Permission, documented

NAMES = {
    r"Functions\w+Log\w{8}": "own log group",
    r"Functions\w+(:\*)?": "each function and its versions",
    r"LoaderStateMachine\w{8}": "state machine",
    r"BackfillStateMachine\w{8}": "backfill",
    r"arn:.+:execution:LoaderStateMachine\w{8}:\*": "executions of the state machine",
    r"arn:.+:execution:BackfillStateMachine\w{8}:\*": "its executions",
    r"arn:.+:execution:BackfillStateMachine\w{8}/LoadFiles:\*": "runs of its Map",
    r"arn:.+:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule": "rule of Step Functions",
    r"StorageSource\w{8}|arn:AWS::Partition:s3:::lake": "Source",
    r"StorageWork\w{8}": "Work",
    r"(arn:AWS::Partition:dynamodb:AWS::Region:AWS::AccountId:table/)?LedgerTable\w{8}": "Ledger",
    r"TokenSecret\w{8}|arn:AWS::Partition:secretsmanager:.*:secret:influxdb/token-\?{6}": "Token",
    re.escape(KEY_ARN.format(0)): "own key",
    f"{re.escape(KEY_ARN.format(1))}|{re.escape(KEY_ARN.format(2))}": "other keys",
}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def named(resource: Any) -> str:
    """Return the name that the table uses for a resource.

    `{"Fn::Join": ["", [{"Fn::GetAtt": ["StorageWork12345678", "Arn"]}, "/reports/*"]]}` becomes `Work/reports/*`.
    """
    text = flat(resource)
    for pattern, name in NAMES.items():
        if match := re.match(rf"({pattern})(?=$|/)", text):
            return name + text[match.end() :]
    return text


def flat(resource: Any) -> str:
    match resource:
        case {"Fn::Join": [_, pieces]}:
            return "".join(map(flat, pieces))
        case {"Fn::GetAtt": [logical_id, _]} | {"Ref": logical_id}:
            return str(logical_id)
        case {"Fn::Select": [_, {"Fn::Split": [":", arn]}]}:
            return flat(arn)
    return str(resource)


def deployed(assembly: Assembly) -> set[Permission]:
    return {permission for policy in assembly.properties("IAM::Policy").values() for permission in granted(policy)}


def granted(policy: Mapping[str, Any]) -> Iterator[Permission]:
    [role] = (ROLES[re.sub(r"\w{8}$", "", role["Ref"])] for role in policy["Roles"])
    for statement in policy["PolicyDocument"]["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in as_list(statement["Action"]):
            yield from ((role, action, named(resource)) for resource in as_list(statement["Resource"]))


@pytest.mark.parametrize(
    ("variant", "conditions"),
    [
        ("as_it_comes", []),
        ("all_new", ["in a VPC", "with `kms_key_arn`"]),
        ("all_existing", ["in a VPC", "with `decrypt_key_arns`"]),
    ],
)
def test_the_roles_may_do_what_the_table_says(
    variants: Callable[[str], Assembly], variant: str, conditions: list[str]
) -> None:
    assert deployed(variants(variant)) == documented(*conditions)


def test_each_function_has_a_role_of_its_own_without_managed_policies(assembly: Assembly) -> None:
    roles = assembly.properties("IAM::Role")
    assert not any("ManagedPolicyArns" in role or "Policies" in role for role in roles.values())
    own = [function["Role"]["Fn::GetAtt"][0] for function in assembly.functions.values()]
    assert len(set(own)) == len(assembly.functions)
