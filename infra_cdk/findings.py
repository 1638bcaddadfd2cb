"""What cdk-nag's AwsSolutions rules find here, and why it is right. IAM's wildcards stand one by one in the tests."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

ACKNOWLEDGED = {
    "AwsSolutions-S1": "Who reads the buckets is the account's to log, with CloudTrail data events for all of them.",
    "AwsSolutions-SMG4": "Only InfluxDB can make a new token; the functions understand one that was rotated.",
    "AwsSolutions-L1": "The runtime is configuration: the newest that the locked packages were tested with.",
    "AwsSolutions-SQS3": "This queue is the dead-letter queue.",
}


def acknowledge_findings(scope: IConstruct) -> None:
    """For everything under `scope`."""
    for rule, reason in ACKNOWLEDGED.items():
        Validations.of(scope).acknowledge(Acknowledgment(id=f"AwsSolutions::{rule}", reason=reason))
