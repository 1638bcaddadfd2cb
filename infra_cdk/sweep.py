"""The schedule that starts the sweep: an execution of the backfill that loads again what can heal."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

ALL = 100
"""The percentage of failed loads that a sweep tolerates: each of its files failed before."""


class Sweep(Construct):
    """A schedule. A sweep that a schedule could not start is not repeated, since the next one does the same."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        minutes: int,
        backfill: sfn.IStateMachine,
        source: s3.IBucket,
        prefix: str,
    ) -> None:
        super().__init__(scope, construct_id)
        # The trust policy admits only schedules of this account.
        account = {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
        service = iam.ServicePrincipal("scheduler.amazonaws.com", conditions=account)
        role = iam.Role(self, "Role", assumed_by=service)
        event = {"sweep": True, "bucket": source.bucket_name, "prefix": prefix, "tolerated_failure_percentage": ALL}
        scheduler.Schedule(
            self,
            "Schedule",
            schedule=scheduler.ScheduleExpression.rate(Duration.minutes(minutes)),
            target=targets.StepFunctionsStartExecution(
                backfill, input=scheduler.ScheduleTargetInput.from_object(event), retry_attempts=0, role=role
            ),
            description="Loads files again that failed and can heal, or whose load was abandoned",
        )
