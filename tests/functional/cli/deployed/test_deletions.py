"""What speaks against a deletion, and which deletions were interrupted."""

from types import SimpleNamespace
from typing import TYPE_CHECKING

from cli.deployed.deletions import reasons_against, unfinished
from cli.deployed.stack import Deployment
from cli.deployed.stale import prepare_searches
from shared.settings import STACK_NAME
from tests.functional.conftest import WORK
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import hours, key_of
from tests.support.scripted_aws import ScriptedAws
from tests.support.stale_points import Rewrites

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_a_file_that_is_not_loaded_and_a_share_of_points_speak_against_it(
    s3: "S3Client", context: SimpleNamespace, database: StoringInflux, aws: ScriptedAws
) -> None:
    aws.outputs |= {"FindStaleName": "stale"}
    aws.environments["stale"] = {}
    rewrites = Rewrites(s3, context)
    rewrites.load(key_of(0, 1), hours("SE", 0, 20, 1.0))
    rewrites.load(key_of(0, 1), hours("SE", 0, 17, 1.0))
    [prepared] = prepare_searches(Deployment(STACK_NAME), "dataset=generation/", "")
    [reason] = reasons_against(prepared, lambda _: True)
    assert reason.startswith("3 of 20 points that a former version of s3://source/dataset=generation/")
    assert reasons_against(prepared, lambda _: False) == []
    assert reasons_against(prepared, lambda _: True, max_stale_rate=0.15) == []


def test_a_deletion_without_an_end_is_unfinished(s3: "S3Client", aws: ScriptedAws) -> None:
    for key in ("d1/plan.json", "d2/plan.json", "d2/end.json", "d3/000/before.parquet"):
        s3.put_object(Bucket=WORK, Key=f"deletions/{key}", Body=b"{}")
    assert unfinished(Deployment(STACK_NAME)) == ["d1"]
