"""The queue of events that started no load."""

from typing import Any

import boto3

from cli.deployed.stack import Deployment


def count_dead_letters(deployment: Deployment) -> int:
    """Return about how many events are in the dead-letter queue: SQS does not count exactly."""
    client: Any = boto3.client("sqs")
    name = "ApproximateNumberOfMessages"
    reply = client.get_queue_attributes(QueueUrl=deployment.output("DeadLetterQueueUrl"), AttributeNames=[name])
    return int(reply["Attributes"][name])
