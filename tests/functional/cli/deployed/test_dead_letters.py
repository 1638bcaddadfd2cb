"""The events in the dead-letter queue are counted."""

from typing import Any

import boto3

from cli.deployed.dead_letters import count_dead_letters
from cli.deployed.stack import Deployment
from tests.support.scripted_aws import STACK, ScriptedAws


def test_every_event_in_the_queue_counts(aws: ScriptedAws) -> None:
    queues: Any = boto3.client("sqs")
    aws.outputs["DeadLetterQueueUrl"] = url = queues.create_queue(QueueName="dead-letters")["QueueUrl"]
    assert count_dead_letters(Deployment(STACK)) == 0
    for _ in range(3):
        queues.send_message(QueueUrl=url, MessageBody="{}")
    assert count_dead_letters(Deployment(STACK)) == 3
