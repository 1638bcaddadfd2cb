"""The EventBridge rule that starts loads."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from shared.file_keys import FILE_SUFFIX

MAX_RETRY_ATTEMPTS = 185
"""The highest number that EventBridge allows; with its backoff, they take about a day."""


class Trigger(Construct):
    """A rule that starts one execution for each new `.parquet` object, with the whole event as its input.

    The rule matches keys by prefix and suffix only, so a file whose key names no dataset becomes a failed load that
    people notice, instead of being ignored. `dead_letters` is the queue of events for which EventBridge could not start
    an execution within a day.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, bucket: s3.IBucket, prefix: str, state_machine: sfn.IStateMachine
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = self._create_queue()
        execution = targets.SfnStateMachine(
            state_machine,
            dead_letter_queue=self.dead_letters,
            max_event_age=Duration.hours(24),
            retry_attempts=MAX_RETRY_ATTEMPTS,
        )
        events.Rule(self, "ObjectCreated", event_pattern=_object_created(bucket, prefix), targets=[execution])

    def _create_queue(self) -> sqs.Queue:
        return sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )


def _object_created(bucket: s3.IBucket, prefix: str) -> events.EventPattern:
    """Return the pattern of the events that start a load. Unlike S3's notifications, they have unencoded keys."""
    key = events.Match.wildcard(f"{prefix}*{FILE_SUFFIX}") if prefix else events.Match.suffix(FILE_SUFFIX)
    return events.EventPattern(
        source=["aws.s3"],
        detail_type=["Object Created"],
        detail={"bucket": {"name": [bucket.bucket_name]}, "object": {"key": key}},
    )
