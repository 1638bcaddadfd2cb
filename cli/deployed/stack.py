"""The deployed stack, as the commands find it: in AWS or in the local cloud, by CloudFormation's outputs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from cli.errors import NotFoundError, RefusedError
from shared.function_names import FunctionName, pascal_case

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient


def page_key(report: str) -> str:
    """The HTML page beside a report's JSON."""
    return report.removesuffix("json") + "html"


@dataclass(frozen=True)
class Deployment:
    """One stack. Region, credentials and AWS_ENDPOINT_URL are the environment's, as for AWS's own tools."""

    stack: str

    @cached_property
    def outputs(self) -> dict[str, str]:
        """By name. Raises NotFoundError where no such stack is deployed."""
        try:
            (found,) = boto3.client("cloudformation").describe_stacks(StackName=self.stack)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            raise NotFoundError(
                f"no stack {self.stack!r} in this account and region: deploy it, or name it (--stack)"
            ) from error
        return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}

    @property
    def source_bucket(self) -> str:
        """Where files arrive."""
        return self._output("SourceBucketName")

    def check_source(self, bucket: str) -> None:
        """The stack may read its source bucket and no other. Raises RefusedError."""
        if bucket != self.source_bucket:
            told = f"{bucket!r} is not the bucket that this stack loads from, {self.source_bucket!r}"
            raise RefusedError(f"{told}: copy it there (aws s3 cp), or name another --stack")

    @property
    def work_bucket(self) -> str:
        """Where loads stage, set aside and report."""
        return self._output("WorkBucketName")

    @property
    def machine(self) -> str:
        """The ARN of the state machine that loads a file."""
        return self._output("StateMachineArn")

    @property
    def backfill_machine(self) -> str:
        """The ARN of the one that loads all files of a prefix."""
        return self._output("BackfillArn")

    @cached_property
    def ledger(self) -> "Table":
        """What became of each file."""
        return boto3.resource("dynamodb").Table(self._output("LedgerTableName"))

    @cached_property
    def s3(self) -> "S3Client":
        """A client, whose presigned URLs are as KMS wants them."""
        return boto3.client("s3", config=Config(signature_version="s3v4"))

    @cached_property
    def stepfunctions(self) -> "SFNClient":
        """A client."""
        return boto3.client("stepfunctions")

    def page_url(self, report: str) -> str:
        """Where a browser finds the page of this report: for an hour, or as long as these credentials hold."""
        return self.s3.generate_presigned_url("get_object", {"Bucket": self.work_bucket, "Key": page_key(report)})

    def conversion_environment(self) -> Mapping[str, str]:
        """What the deployed ConvertAndChunk is told."""
        return self._environment("convert_and_chunk")

    def delivery_environment(self) -> Mapping[str, str]:
        """What the deployed WriteBatch is told."""
        return self._environment("write_batch")

    def work_keys(self, prefix: str) -> Iterator[str]:
        """What lies in the work bucket under `prefix`, in the order of the keys."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.work_bucket, Prefix=prefix)
        for page in pages:
            yield from (item["Key"] for item in page.get("Contents", []))

    def work_object(self, key: str) -> bytes:
        """Raises NotFoundError where it is not, or no longer."""
        try:
            return self.s3.get_object(Bucket=self.work_bucket, Key=key)["Body"].read()
        except self.s3.exceptions.NoSuchKey as error:
            raise NotFoundError(f"s3://{self.work_bucket}/{key} is not there (any longer)") from error

    def work_json(self, key: str) -> dict[str, Any]:
        """Raises NotFoundError where it is not, or no longer."""
        content: dict[str, Any] = json.loads(self.work_object(key))
        return content

    def _output(self, name: str) -> str:
        """Raises NotFoundError where the stack is older than this command."""
        if name not in self.outputs:
            raise NotFoundError(f"stack {self.stack!r} has no output {name}: deploy it again, with this release")
        return self.outputs[name]

    def _environment(self, function: FunctionName) -> Mapping[str, str]:
        client: LambdaClient = boto3.client("lambda")
        configuration = client.get_function_configuration(FunctionName=self._output(f"{pascal_case(function)}Name"))
        return configuration["Environment"]["Variables"]
