"""The loads that it is useful to repeat."""

from typing import TYPE_CHECKING

import pytest

from cli.deployed.ledger import Filter
from cli.deployed.stack import Deployment
from cli.deployed.unloaded import DELETED, HOPELESS, cause, choose, find_unloaded
from shared.errors import can_heal
from tests.functional.cli.commands.test_retry import failed_item, put_files
from tests.functional.conftest import SOURCE
from tests.support.scripted_aws import STACK

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.usefixtures("aws")


def test_each_load_is_chosen_or_skipped_for_a_reason(s3: "S3Client", ledger: "Table") -> None:
    put_files(s3, ledger, failed_item("a", 1), failed_item("b", 2), failed_item("c", 3, error="CorruptParquetError"))
    s3.delete_object(Bucket=SOURCE, Key="dataset=generation/b")
    deployment = Deployment(STACK)
    unloaded = find_unloaded(deployment, Filter())
    choice = choose(deployment, unloaded, force=False)
    assert [entry.object[-1] for entry in choice.entries] == ["a"]
    assert [(entry.object[-1], reason) for entry, reason in choice.skipped] == [("b", DELETED), ("c", HOPELESS)]
    forced = choose(deployment, unloaded, force=True)
    assert [entry.object[-1] for entry in forced.entries] == ["a", "c"]
    assert [cause(entry) for entry, _ in forced.skipped] == ["InfluxUnavailableError"]


def test_a_version_that_was_deleted_for_good_is_skipped(s3: "S3Client", ledger: "Table") -> None:
    (version_id,) = put_files(s3, ledger, failed_item("a", 1))
    s3.put_object(Bucket=SOURCE, Key="dataset=generation/a", Body=b"newer")
    deployment = Deployment(STACK)
    unloaded = find_unloaded(deployment, Filter())
    assert choose(deployment, unloaded, force=False).skipped == []
    s3.delete_object(Bucket=SOURCE, Key="dataset=generation/a", VersionId=version_id)
    assert [reason for _, reason in choose(deployment, unloaded, force=False).skipped] == [DELETED]


@pytest.mark.parametrize(
    ("error", "heals"),
    [
        ("SchemaMismatchError", False),
        ("CorruptParquetError", False),
        ("NoValidRecordsError", False),
        ("RefusedPointsError", True),
        ("SourceChangedError", True),
        ("InfluxUnavailableError", True),
        ("BucketNotFoundError", True),
        ("Sandbox.Timedout", True),
        ("", True),
    ],
)
def test_only_errors_of_the_file_cannot_heal(error: str, heals: bool) -> None:  # noqa: FBT001
    assert can_heal(error) == heals
