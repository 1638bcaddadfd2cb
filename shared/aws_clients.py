"""The AWS clients of this process, each created at its first use and shared by all later invocations.

A new client costs tens of milliseconds and a TLS handshake. A client takes its region, endpoint and credentials from
the environment when it is created, and renews expiring credentials on its own.
"""

from functools import cache
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


@cache
def s3_client() -> "S3Client":
    """Return the S3 client. Threads may share it."""
    return boto3.client("s3")


@cache
def dynamodb_resource() -> "DynamoDBServiceResource":
    """Return the DynamoDB resource. boto3 does not allow threads to share a resource: use it in the main thread."""
    return boto3.resource("dynamodb")


@cache
def step_functions_client() -> "SFNClient":
    """Return the client of Step Functions."""
    return boto3.client("stepfunctions")


@cache
def secrets_provider() -> "SecretsProvider":
    """Return the provider that reads and caches secrets.

    Without `boto3_client`, Powertools would create a second session, which takes 0.1 s of a cold start.
    """
    from aws_lambda_powertools.utilities.parameters import SecretsProvider  # noqa: PLC0415 - few functions need it

    return SecretsProvider(boto3_client=boto3.client("secretsmanager"))


def discard_clients() -> None:
    """Make the next use create new clients: a test that fakes AWS calls this before and after."""
    s3_client.cache_clear()
    dynamodb_resource.cache_clear()
    step_functions_client.cache_clear()
    secrets_provider.cache_clear()
