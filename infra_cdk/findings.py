"""What cdk-nag's AwsSolutions rules find here, and why it is right."""

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam

ACKNOWLEDGED = {
    "AwsSolutions-S1": "Who reads the buckets is the account's to log, with CloudTrail data events for all of them.",
    "AwsSolutions-SMG4": "Only InfluxDB can make a new token; the functions understand one that was rotated.",
    "AwsSolutions-L1": "The runtime is configuration: the newest that the locked packages were tested with.",
    "AwsSolutions-SQS3": "This queue is the dead-letter queue.",
}

WILDCARDS = {
    "*": "X-Ray, log delivery and network interfaces of Lambda take no resource of their own.",
    "/*": "Any object of the source bucket may be a file to load.",
    "/staging/*": "What a load stages has its id and its execution in the key, unknown before it runs.",
    "/staging/findings/*": "Named after the execution, which is unknown before it runs.",
    "/staging/*/outcomes/*": "Named after load and execution, which are unknown before they run.",
    "/quarantine/*/rows-*": "Named after dataset, load and execution, which are unknown before they run.",
    "/quarantine/*/points-*": "Named after dataset, load and execution, which are unknown before they run.",
    "/reports/*": "Named after dataset, load and execution, which are unknown before they run.",
    "/backfills/*": "Named after the execution, which is unknown before it runs.",
    "/staging/backfills/*": "Step Functions names what it writes after the run of the Map.",
    ":*": "The versions of one function, or the executions of one state machine.",
    "/LoadFiles:*": "The runs of one Map, which get their names when they start.",
}
"""Why IAM's wildcards may stay, by what follows the ARN of the resource."""

AN_ARN = re.compile(r"^(<[^>]+>|arn:<AWS::Partition>:s3:::[^/]+|arn:[^{]+:execution:{[^/]+})")


def acknowledge_findings(stack: Stack) -> None:
    """The general ones, and each wildcard that has a reason; any other stays a finding."""
    wildcards = {f"AwsSolutions-IAM5[Resource::{found}]": reason for found, reason in _wildcards(stack)}
    for rule, reason in (ACKNOWLEDGED | wildcards).items():
        Validations.of(stack).acknowledge(Acknowledgment(id=f"AwsSolutions::{rule}", reason=reason))


def _wildcards(stack: Stack) -> Iterator[tuple[str, str]]:
    """Resources with a wildcard that has a reason, in all policies of the stack, and the reason."""
    policies = (node for node in stack.node.find_all() if isinstance(node, iam.CfnPolicy))
    statements = chain.from_iterable(stack.resolve(policy.policy_document)["Statement"] for policy in policies)
    for statement in statements:
        resources = statement["Resource"]
        for resource in map(_flat, resources if isinstance(resources, list) else [resources]):
            if reason := WILDCARDS.get(AN_ARN.sub("", resource)):
                yield resource, reason


def _flat(resource: Any) -> str:
    """As cdk-nag writes it: `<StorageWork.Arn>/reports/*`."""
    match resource:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(_flat, parts))
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Ref": name}:
            return f"<{name}>"
    return resource if isinstance(resource, str) else json.dumps(resource, separators=(",", ":"))
