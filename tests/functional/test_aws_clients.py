"""One client of each service serves every invocation of a process."""

from typing import TYPE_CHECKING

import pytest

from shared.aws_clients import discard_clients, dynamodb_resource, s3_client

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_every_use_gets_the_same_clients(s3: "S3Client") -> None:
    assert s3_client() is s3_client() is not s3
    assert dynamodb_resource() is dynamodb_resource()


def test_a_client_reads_the_environment_at_its_first_use(s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> None:
    first = s3_client()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "sa-east-1")
    discard_clients()
    assert (first.meta.region_name, s3_client().meta.region_name) == ("us-east-1", "sa-east-1")
