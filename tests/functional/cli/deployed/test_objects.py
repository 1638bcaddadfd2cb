"""An object of the source bucket: whether it exists, and what the ledger knows about its version."""

from typing import TYPE_CHECKING

import pytest

from cli.deployed.objects import find_object, suggest_key
from cli.deployed.stack import Deployment
from shared.ledger import version_name
from tests.functional.conftest import SOURCE
from tests.support.ledger_entries import item, put_items
from tests.support.scripted_aws import STACK

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.usefixtures("aws")
KEY = "dataset=generation/a"


def test_an_object_has_the_status_of_its_own_version(s3: "S3Client", ledger: "Table") -> None:
    first = s3.put_object(Bucket=SOURCE, Key=KEY, Body=b"12345")["VersionId"]
    head = s3.head_object(Bucket=SOURCE, Key=KEY)
    version = version_name(head["LastModified"], first, head["ETag"])
    put_items(ledger, item("a", "loaded", 1) | {"version": version})
    stored = find_object(Deployment(STACK), KEY)
    assert stored is not None
    assert (stored.version_id, stored.describe(stored.modified_at)) == (first, "5 B, uploaded 0 s ago, loaded")
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=b"123")
    current, former = (find_object(Deployment(STACK), KEY, version_id) for version_id in ("", first))
    assert current is not None
    assert former is not None
    assert (current.status, former.status) == ("not loaded", "loaded")


def test_an_object_that_does_not_exist_or_is_deleted_is_none(s3: "S3Client") -> None:
    assert find_object(Deployment(STACK), KEY) is None
    version_id = s3.put_object(Bucket=SOURCE, Key=KEY, Body=b"x")["VersionId"]
    s3.delete_object(Bucket=SOURCE, Key=KEY)
    assert find_object(Deployment(STACK), KEY) is None
    assert find_object(Deployment(STACK), KEY, version_id) is not None
    s3.delete_object(Bucket=SOURCE, Key=KEY, VersionId=version_id)
    assert find_object(Deployment(STACK), KEY, version_id) is None


@pytest.mark.parametrize(
    ("key", "matches"),
    [
        ("dataset=generation/2024-10.parquet", "dataset=generation/2024-01.parquet"),
        ("dataset=generatoin/2024-01.parquet", "dataset=generation/"),
        ("zzz/zzz", ""),
    ],
)
def test_a_mistyped_key_gets_the_close_ones_of_its_folder(s3: "S3Client", key: str, matches: str) -> None:
    s3.put_object(Bucket=SOURCE, Key="dataset=generation/2024-01.parquet", Body=b"x")
    assert suggest_key(Deployment(STACK), key) == (f" (did you mean {matches}?)" if matches else "")
