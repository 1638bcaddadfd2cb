"""Which objects start a load."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from shared.file_keys import FILE_SUFFIX

MOST_RETRIES = 185
"""As many as EventBridge fits into a day."""


class Trigger(Construct):
    """Every `.parquet` object that arrives starts one execution, with the whole event as its input.

    Keys are matched by prefix and suffix only: a file in a folder that names no dataset fails where it can be seen,
    instead of being left alone in silence. `dead_letters` holds the events that could not start an execution for a day.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, bucket: s3.IBucket, prefix: str, state_machine: sfn.IStateMachine
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = self._queue()
        execution = targets.SfnStateMachine(
            state_machine,
            dead_letter_queue=self.dead_letters,
            max_event_age=Duration.hours(24),
            retry_attempts=MOST_RETRIES,
        )
        events.Rule(self, "ObjectCreated", event_pattern=_object_created(bucket, prefix), targets=[execution])

    def _queue(self) -> sqs.Queue:
        return sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )


def _object_created(bucket: s3.IBucket, prefix: str) -> events.EventPattern:
    """EventBridge carries keys raw, not URL-encoded as S3's own notifications do."""
    key = events.Match.wildcard(f"{prefix}*{FILE_SUFFIX}") if prefix else events.Match.suffix(FILE_SUFFIX)
    return events.EventPattern(
        source=["aws.s3"],
        detail_type=["Object Created"],
        detail={"bucket": {"name": [bucket.bucket_name]}, "object": {"key": key}},
    )
