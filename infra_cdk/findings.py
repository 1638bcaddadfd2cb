"""The findings of cdk-nag's AwsSolutions rules that are acceptable, each with its reason.

`acknowledge_findings` acknowledges the findings in `ACKNOWLEDGED`, and wildcards in IAM policies whose resource matches
`WILDCARDS`. Any other finding fails a test.
"""

import json
import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

from aws_cdk import Acknowledgment, Stack, Validations
from aws_cdk import aws_iam as iam

ACKNOWLEDGED = {
    "AwsSolutions-S1": "The account logs access to its buckets with CloudTrail data events.",
    "AwsSolutions-SMG4": "Only InfluxDB can create a new token. The functions pick up a rotated token.",
    "AwsSolutions-L1": "The runtime is a setting. Its default is the newest that the locked packages were tested with.",
    "AwsSolutions-SQS3": "This queue is the dead-letter queue.",
}

UNKNOWN_LOAD = "The key contains the execution and, for a load, its id, which are unknown before the execution starts."
WILDCARDS = {
    "*": "Actions on X-Ray, log delivery and Lambda's network interfaces do not support resource-level permissions.",
    "/*": "Any object in the source bucket can be a file to load.",
    "/staging/*": UNKNOWN_LOAD,
    "/staging/findings/*": UNKNOWN_LOAD,
    "/staging/*/outcomes/*": UNKNOWN_LOAD,
    "/staging/*/end.json": UNKNOWN_LOAD,
    "/staging/*/losing/*": UNKNOWN_LOAD,
    "/quarantine/*/rows-*": UNKNOWN_LOAD,
    "/quarantine/*/points-*": UNKNOWN_LOAD,
    "/reports/*": UNKNOWN_LOAD,
    "/footprints/*": UNKNOWN_LOAD,
    "/backfills/*": UNKNOWN_LOAD,
    "/deletions/*": "The key contains the id of the deletion, which is unknown before a person starts it.",
    "/removals/*": "The key contains the measurement and the id of the deletion.",
    "/staging/backfills/*": "The key contains the id of the Map run, which is unknown before it starts.",
    "/staging/backfills/manifests/*": "The name of a manifest is the checksum of its content.",
    ":*": "These are the versions of one function, or the executions of one state machine.",
    "/LoadFiles:*": "These are the runs of one Map. Their ids are unknown before they start.",
}
"""The reasons for wildcards in IAM policies, by the part of the resource after the ARN of a bucket or machine."""

ARN_PREFIX = re.compile(r"^(<[^>]+>|arn:<AWS::Partition>:s3:::[^/]+|arn:[^{]+:execution:{[^/]+})")


def acknowledge_findings(stack: Stack) -> None:
    """Acknowledge the findings that have a reason. cdk-nag reports all others."""
    wildcards = {f"AwsSolutions-IAM5[Resource::{resource}]": reason for resource, reason in _wildcards(stack)}
    for rule, reason in (ACKNOWLEDGED | wildcards).items():
        Validations.of(stack).acknowledge(Acknowledgment(id=f"AwsSolutions::{rule}", reason=reason))


def _wildcards(stack: Stack) -> Iterator[tuple[str, str]]:
    """Yield each resource in the stack's policies that has a justified wildcard, with the reason."""
    policies = (node for node in stack.node.find_all() if isinstance(node, iam.CfnPolicy))
    statements = chain.from_iterable(stack.resolve(policy.policy_document)["Statement"] for policy in policies)
    for statement in statements:
        resources = statement["Resource"]
        for resource in map(_resource_text, resources if isinstance(resources, list) else [resources]):
            if reason := WILDCARDS.get(ARN_PREFIX.sub("", resource)):
                yield resource, reason


def _resource_text(resource: Any) -> str:
    """Write a resource as cdk-nag does: `<StorageWork.Arn>/reports/*`."""
    match resource:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(_resource_text, parts))
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Ref": name}:
            return f"<{name}>"
    return resource if isinstance(resource, str) else json.dumps(resource, separators=(",", ":"))
