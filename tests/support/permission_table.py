"""The tables of docs/permissions.md: which role may call what, and why some of it is never called on this machine."""

import re

from infra_cdk.archives import ROOT
from shared.function_names import FUNCTION_NAMES, pascal_case

Permission = tuple[str, str, str]
"""A role, an action and a resource, as the tables call them."""

STATES = [pascal_case(name) for name in FUNCTION_NAMES]
ROLES = {f"Functions{state}Role": state for state in STATES}
ROLES |= {"LoaderStateMachineRole": "state machine", "LoaderStateMachineEventsRole": "rule"}
ROLES |= {"BackfillStateMachineRole": "backfill", "SweepRole": "schedule"}
"""The name of each role, by the logical id of the role without its hash."""

CONDITIONS = ("in a VPC", "with `kms_key_arn`", "with `decrypt_key_arns`")

_TABLE, _UNCALLED = (
    [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines() if row.startswith("| ")][1:]
    for table in (ROOT / "docs" / "permissions.md").read_text().split("## Permissions that no call")
)


def documented(*conditions: str) -> set[Permission]:
    """Return the permissions in the rows without a condition, and in those with one of `conditions`."""
    return {
        permission
        for roles, actions, resource, condition in _TABLE
        if condition in ("", *conditions)
        for permission in _permissions(roles, actions, resource)
    }


def uncalled() -> set[Permission]:
    """Return the permissions that the second table gives a reason for."""
    return {permission for *row, _ in _UNCALLED for permission in _permissions(*row)}


def _permissions(roles: str, actions: str, resource: str) -> set[Permission]:
    return {
        (role, action, resource.strip("`"))
        for role_or_all in roles.split(", ")
        for role in (STATES if role_or_all == "each function" else [role_or_all])
        for action in re.findall(r"`(.+?)`", actions)
    }
