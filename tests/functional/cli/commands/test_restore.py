"""`loader restore` writes back what a deletion removed."""

from typing import TYPE_CHECKING

import pytest

from tests.functional.conftest import WORK
from tests.support.command_line import run_loader
from tests.support.deletion import state
from tests.support.scripted_aws import ScriptedAws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_it_says_how_many_points_it_wrote_back(s3: "S3Client", aws: ScriptedAws) -> None:
    s3.put_object(Bucket=WORK, Key="deletions/d1/plan.json", Body=b"{}")
    aws.outputs["DeletePointsName"] = "delete"
    aws.results["delete"] = state(restored=1234)
    assert run_loader("restore", "d1").stdout == "deletion d1: 1,234 points written back\n"


@pytest.mark.parametrize(
    ("end", "line"),
    [
        ({"expired": 5}, "5 points not written back: they are older than the retention period of the bucket"),
        ({"doubts": ["a point reads back with another value"]}, "in doubt: a point reads back with another value"),
    ],
)
def test_the_exit_status_is_1_unless_everything_was_written_back(
    s3: "S3Client", aws: ScriptedAws, end: dict[str, object], line: str
) -> None:
    s3.put_object(Bucket=WORK, Key="deletions/d1/plan.json", Body=b"{}")
    aws.outputs["DeletePointsName"] = "delete"
    aws.results["delete"] = state(restored=1234, **end)
    result = run_loader("restore", "d1")
    assert (result.exit_code, result.stdout.splitlines()[1:]) == (1, [line])


def test_a_deletion_that_does_not_exist_is_an_error(aws: ScriptedAws) -> None:
    aws.outputs["DeletePointsName"] = "delete"
    result = run_loader("restore", "d1")
    assert (result.exit_code, "there is no deletion d1" in result.stderr) == (2, True)
    assert f"`aws s3 ls s3://{WORK}/deletions/` lists" in result.stderr
