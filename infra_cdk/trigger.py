"""The EventBridge rule that starts loads."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra_cdk.config import StorageConfig
from shared.dataset_keys import source_prefixes
from shared.file_keys import ANY_SUFFIX

MAX_RETRY_ATTEMPTS = 185
"""The highest number that EventBridge allows; with its backoff, they take about a day."""


class Trigger(Construct):
    """A rule that starts one execution for each new object that may be a file, with the whole event as its input.

    It only narrows: PinSource applies the rule of `shared/file_keys.py`, and skips the rest. A file whose key names no
    dataset becomes a failed load that people notice, instead of being ignored. `dead_letters` is the queue of events
    for which EventBridge could not start an execution within a day.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        config: StorageConfig,
        state_machine: sfn.IStateMachine,
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = self._create_queue()
        execution = targets.SfnStateMachine(
            state_machine,
            dead_letter_queue=self.dead_letters,
            max_event_age=Duration.hours(24),
            retry_attempts=MAX_RETRY_ATTEMPTS,
        )
        self.rule = events.Rule(
            self, "ObjectCreated", event_pattern=_object_created(bucket, config), targets=[execution]
        )

    def _create_queue(self) -> sqs.Queue:
        return sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )


def _object_created(bucket: s3.IBucket, config: StorageConfig) -> events.EventPattern:
    """Return the pattern of the events that start a load. Unlike S3's notifications, they have unencoded keys."""
    key = _key_pattern(config)
    return events.EventPattern(
        source=["aws.s3"],
        detail_type=["Object Created"],
        detail={"bucket": {"name": [bucket.bucket_name]}, **({"object": {"key": key}} if key else {})},
    )


def _key_pattern(config: StorageConfig) -> list[object]:
    """Return the alternatives for a key, none if every key matches.

    A pattern cannot combine a prefix and a suffix without being case-sensitive, so with a prefix, every suffix matches.
    """
    if all(prefixes := source_prefixes(config.source_prefix)):
        return [{"prefix": prefix} for prefix in prefixes]
    suffixes = () if ANY_SUFFIX in config.file_suffixes else config.file_suffixes
    return [{"suffix": {"equals-ignore-case": suffix}} for suffix in suffixes]
