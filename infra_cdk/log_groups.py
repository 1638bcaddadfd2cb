"""Log groups with a retention period: those that Lambda and Step Functions create themselves keep logs forever."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_logs as logs
from constructs import Construct


def create_log_group(scope: Construct, construct_id: str, *, days: int, name: str | None = None) -> logs.LogGroup:
    """Create a log group that keeps logs for a number of days and is deleted with the stack."""
    group = logs.LogGroup(scope, construct_id, log_group_name=name, removal_policy=RemovalPolicy.DESTROY)
    # The L2 construct takes an enum of periods (RetentionDays); the L1 property takes the number of days.
    group.node.default_child.retention_in_days = days  # type: ignore[union-attr]
    return group


def create_state_machine_log_group(scope: Construct, machine: str, *, days: int) -> logs.LogGroup:
    """Create the log group of a state machine, named `/aws/vendedlogs/states/<stack>-<machine>`.

    Step Functions adds a log group with another prefix to the account's resource policy for CloudWatch Logs, which may
    have at most 5,120 characters.
    """
    name = f"/aws/vendedlogs/states/{Stack.of(scope).stack_name}-{machine}"
    return create_log_group(scope, f"{machine}Log", days=days, name=name)
