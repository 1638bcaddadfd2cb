"""Log groups with a retention period: those that Lambda and Step Functions create themselves keep logs forever."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct


def create_log_group(scope: Construct, construct_id: str, *, days: int) -> logs.LogGroup:
    """Create a log group that keeps logs for a number of days and is deleted with the stack."""
    group = logs.LogGroup(scope, construct_id, removal_policy=RemovalPolicy.DESTROY)
    # The L2 construct takes an enum of periods (RetentionDays); the L1 property takes the number of days.
    group.node.default_child.retention_in_days = days  # type: ignore[union-attr]
    return group
