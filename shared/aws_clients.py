"""The AWS clients of this process, each created at its first use and shared by all later invocations.

A new client costs tens of milliseconds and a TLS handshake. A client takes its region, endpoint and credentials from
the environment when it is created, and renews expiring credentials on its own.
"""

import gzip
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import boto3
import orjson
from botocore.loaders import JSONFileLoader, Loader
from botocore.session import Session

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider
    from mypy_boto3_dynamodb.service_resource import DynamoDBServiceResource
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


class FastJson(JSONFileLoader):
    """Reads botocore's files, the largest of which has 1.2 MB, with orjson: this saves 35 ms of each cold start."""

    def load_file(self, file_path: str) -> Any:
        """Return the content of a file, whose path lacks its extension, or None if it does not exist."""
        for extension, open_file in ((".json", open), (".json.gz", gzip.open)):
            with suppress(FileNotFoundError), open_file(file_path + extension, "rb") as file:
                return orjson.loads(file.read())
        return None


class FastLoader(Loader):
    """Loads botocore's descriptions of services, without a look into the folders of all of them.

    botocore's own looks for a description in each of its 400 folders, and does so two or three times before the first
    client of a process, which takes 25 ms of each cold start.
    """

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - a missing type fails when loaded
        """Return the names of all services, whether or not they have a description of this type."""
        folders = filter(Path.is_dir, map(Path, self.search_paths))
        return [service.name for folder in folders for service in folder.iterdir()]


def _session() -> boto3.Session:
    """Return the default session of boto3. If there is none yet, it gets the fast loader."""
    if boto3.DEFAULT_SESSION is None:
        session = Session()
        session.register_component("data_loader", FastLoader(file_loader=FastJson()))
        boto3.setup_default_session(botocore_session=session)
    return cast(boto3.Session, boto3.DEFAULT_SESSION)


@cache
def s3_client() -> "S3Client":
    """Return the S3 client. Threads may share it."""
    return _session().client("s3")


@cache
def dynamodb_resource() -> "DynamoDBServiceResource":
    """Return the DynamoDB resource. boto3 does not allow threads to share a resource: use it in the main thread."""
    return _session().resource("dynamodb")


@cache
def step_functions_client() -> "SFNClient":
    """Return the client of Step Functions."""
    return _session().client("stepfunctions")


@cache
def secrets_provider() -> "SecretsProvider":
    """Return the provider that reads and caches secrets.

    Without `boto3_client`, Powertools would create a second session, which takes 0.1 s of a cold start.
    """
    from aws_lambda_powertools.utilities.parameters import SecretsProvider  # noqa: PLC0415 - few functions need it

    return SecretsProvider(boto3_client=_session().client("secretsmanager"))


def discard_clients() -> None:
    """Make the next use create new clients: a test that fakes AWS calls this before and after."""
    s3_client.cache_clear()
    dynamodb_resource.cache_clear()
    step_functions_client.cache_clear()
    secrets_provider.cache_clear()
