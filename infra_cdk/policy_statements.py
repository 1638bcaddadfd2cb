"""Policy statements that allow actions on resources, and reading from a bucket."""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3


def allow_reading(bucket: s3.IBucket, keys: str, *more_actions: str) -> list[iam.PolicyStatement]:
    """Return the statements for reading objects with GetObject and `more_actions`.

    ListBucket is included because S3 answers 403 instead of 404 for a missing object without it.
    """
    get = allow(["s3:GetObject", *more_actions], [bucket.arn_for_objects(keys)])
    return [get, allow(["s3:ListBucket"], [bucket.bucket_arn])]


def allow(actions: Sequence[str], resources: Sequence[str]) -> iam.PolicyStatement:
    """Return the statement that allows the actions on the resources."""
    return iam.PolicyStatement(actions=list(actions), resources=list(resources))
