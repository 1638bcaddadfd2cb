"""The deployed stack, in AWS or in the local cloud: its outputs, its clients and the objects of its work bucket."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from cli.deployed.environment import check_environment
from cli.errors import NotFoundError, RefusedError
from shared.datasets import DATASETS
from shared.function_names import FunctionName, pascal_case
from shared.settings import MEMORY_VARIABLE, default_bucket

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


def page_key(report: str) -> str:
    """Return the key of the HTML page that belongs to a report."""
    return report.removesuffix("json") + "html"


@dataclass(frozen=True)
class Deployment:
    """One deployed stack.

    The environment supplies the Region, the credentials and AWS_ENDPOINT_URL, as it does for AWS's own tools.
    Properties raise NotFoundError if the stack does not exist, or if it lacks an output.
    """

    stack: str

    def __post_init__(self) -> None:
        """Raise RefusedError for an environment in which no client can be made."""
        check_environment(os.environ)

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs by name."""
        try:
            (stack,) = boto3.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            raise NotFoundError(
                f"no stack named {self.stack!r} in this AWS account and Region: deploy it, or use --stack to name yours"
            ) from error
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    @property
    def source_bucket(self) -> str:
        """The bucket to which files are uploaded."""
        return self.output("SourceBucketName")

    def check_source(self, bucket: str) -> None:
        """Raise RefusedError unless `bucket` is the source bucket, the only one that the stack may read."""
        if bucket != self.source_bucket:
            raise RefusedError(
                f"this stack loads from the bucket {self.source_bucket!r}, not from {bucket!r}: copy the files there "
                "(aws s3 cp), or use --stack to name another stack"
            )

    @property
    def work_bucket(self) -> str:
        """The bucket of staged chunks, quarantines and reports."""
        return self.output("WorkBucketName")

    @property
    def machine(self) -> str:
        """The ARN of the state machine that loads one file."""
        return self.output("StateMachineArn")

    @property
    def backfill_machine(self) -> str:
        """The ARN of the state machine that loads all files of a prefix."""
        return self.output("BackfillArn")

    @property
    def sweeps(self) -> bool:
        """True if the stack loads failed files again by itself. An earlier release does not."""
        return self.outputs.get("SweepMinutes", "0") != "0"

    @property
    def check_health_name(self) -> str:
        """The name of the function CheckHealth."""
        return self.output("CheckHealthName")

    @property
    def delete_points_name(self) -> str:
        """The name of the function DeletePoints."""
        return self.output("DeletePointsName")

    @property
    def region(self) -> str:
        """The Region of the stack."""
        return self.machine.split(":")[3]

    @property
    def account(self) -> str:
        """The account of the stack."""
        return self.machine.split(":")[4]

    @cached_property
    def ledger(self) -> "Table":
        """The DynamoDB table with one item per version of each object."""
        return boto3.resource("dynamodb").Table(self.output("LedgerTableName"))

    @cached_property
    def s3(self) -> "S3Client":
        """A client that signs with version 4, which presigned URLs of objects encrypted by KMS require."""
        return boto3.client("s3", config=Config(signature_version="s3v4"))

    @cached_property
    def stepfunctions(self) -> "SFNClient":
        """A client for both state machines."""
        return boto3.client("stepfunctions")

    def page_url(self, report: str) -> str:
        """Return a presigned URL of the report's HTML page.

        It is valid for one hour, or until the credentials expire if that is sooner.
        """
        return self.s3.generate_presigned_url("get_object", {"Bucket": self.work_bucket, "Key": page_key(report)})

    def conversion_environment(self) -> Mapping[str, str]:
        """Return the environment variables of the deployed ConvertAndChunk, with its memory."""
        return self._environment("convert_and_chunk")

    def delivery_environment(self) -> Mapping[str, str]:
        """Return the environment variables of the deployed WriteBatch, with its memory."""
        return self._environment("write_batch")

    def stale_environment(self) -> Mapping[str, str]:
        """Return the environment variables of the deployed FindStale; none for an earlier release, which has none."""
        return self._environment("find_stale") if "FindStaleName" in self.outputs else {}

    def influxdb_bucket(self, dataset: str) -> str:
        """Return the InfluxDB bucket to which the deployment writes a dataset."""
        return DATASETS[dataset].influxdb_bucket or default_bucket(self.delivery_environment())

    def work_keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys in the work bucket that start with `prefix`, in order."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.work_bucket, Prefix=prefix)
        for page in pages:
            yield from (item["Key"] for item in page.get("Contents", []))

    def put_work_object(self, key: str, content: bytes) -> None:
        """Store an object in the work bucket."""
        self.s3.put_object(Bucket=self.work_bucket, Key=key, Body=content)

    def work_object(self, key: str) -> bytes:
        """Return the content of an object in the work bucket. Raises NotFoundError if it does not exist."""
        try:
            return self.s3.get_object(Bucket=self.work_bucket, Key=key)["Body"].read()
        except self.s3.exceptions.NoSuchKey as error:
            raise NotFoundError(f"s3://{self.work_bucket}/{key} does not exist, or has expired") from error

    def work_json(self, key: str) -> dict[str, Any]:
        """Return a JSON object from the work bucket. Raises NotFoundError if it does not exist."""
        content: dict[str, Any] = json.loads(self.work_object(key))
        return content

    def output(self, name: str) -> str:
        """Return one output of the stack."""
        if name not in self.outputs:
            raise NotFoundError(
                f"stack {self.stack!r} has no output {name}: an older release deployed it, so deploy it again"
            )
        return self.outputs[name]

    def _environment(self, function: FunctionName) -> Mapping[str, str]:
        if function not in self._environments:
            client: LambdaClient = boto3.client("lambda")
            reply = client.get_function_configuration(FunctionName=self.output(f"{pascal_case(function)}Name"))
            memory = {MEMORY_VARIABLE: str(reply["MemorySize"])}
            self._environments[function] = {**reply["Environment"]["Variables"], **memory}
        return self._environments[function]

    @cached_property
    def _environments(self) -> dict[FunctionName, Mapping[str, str]]:
        """The environments that were read already: some commands need one for each of thousands of files."""
        return {}
