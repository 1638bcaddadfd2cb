"""The current ids of the InfluxDB buckets, as the deployed CheckHealth reads them.

A bucket that is created anew gets a new id, so an id other than the recorded one tells that the points of a load are
lost. The function is invoked because this machine often has no connection to InfluxDB.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.deployed.stack import Deployment
from cli.errors import NotFoundError
from shared.ledger import BucketCheck, check_bucket

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

TIMEOUT_S = 30
"""How long to wait for the function, which may start cold and then waits for InfluxDB."""


@dataclass(frozen=True)
class Buckets:
    """The current id and the shard group duration of each dataset's bucket; `problem` says why there are none."""

    ids: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    shard_seconds: Mapping[str, int] = field(default_factory=dict)

    def check(self, dataset: str, bucket_id: str) -> BucketCheck:
        """Return whether the bucket with this id, into which a file of the dataset was loaded, is the current one."""
        return check_bucket(bucket_id, self.ids.get(dataset, ""))


def read_buckets(deployment: Deployment) -> Buckets:
    """Return the current ids. A problem is part of the result, since it must not keep a command from its work."""
    try:
        health = invoke_check_health(deployment)
    except (NotFoundError, ClientError, BotoCoreError) as error:
        return Buckets(problem=str(error))
    if "errorType" in health:
        return Buckets(problem=f"{health['errorType']}: {health.get('errorMessage', '')}")
    return Buckets(ids=health.get("bucket_ids", {}), shard_seconds=health.get("shard_seconds", {}))


def invoke_check_health(deployment: Deployment) -> dict[str, Any]:
    """Return the result of the function, or its error with an `errorType`."""
    client: LambdaClient = boto3.client("lambda", config=Config(read_timeout=TIMEOUT_S, retries={"max_attempts": 0}))
    reply = client.invoke(FunctionName=deployment.check_health_name, Payload=b"{}")
    health: dict[str, Any] = json.loads(reply["Payload"].read())
    return {"errorType": "error", **health} if "FunctionError" in reply else health


def can_delete(health: Mapping[str, Any]) -> bool:
    """Return whether InfluxDB can delete points, from the result of the function."""
    return not str(health.get("version", "")).lstrip("v").startswith("3")
