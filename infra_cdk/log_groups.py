"""Logs that end: Lambda and Step Functions would keep theirs for ever."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct


def log_group(scope: Construct, construct_id: str, *, days: int) -> logs.LogGroup:
    """Kept for so many days, and gone with the stack. CDK names periods instead of counting days."""
    group = logs.LogGroup(scope, construct_id, removal_policy=RemovalPolicy.DESTROY)
    group.node.default_child.retention_in_days = days  # type: ignore[union-attr]
    return group
