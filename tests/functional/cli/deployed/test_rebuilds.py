"""The plan of a rebuild: the window, the slices, the files, and the deletions that it becomes."""

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from cli.deployed.rebuilds import Window, deletions_of, doubts_in, plan_rebuild
from cli.deployed.stack import Deployment
from cli.deployed.stale import UNCERTAIN, PreparedSearch, prepare_search, prepare_searches
from cli.errors import RefusedError
from shared.ledger import LedgerItem, bucket_and_key, object_name
from shared.settings import STACK_NAME
from tests.functional.conftest import SOURCE, WORK
from tests.support.builders import HOUR, START
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import hours, key_of
from tests.support.scripted_aws import ScriptedAws
from tests.support.stale_points import Rewrites

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY, SAME_TIME, LATER = (key_of(slot, 1) for slot in range(3))


@pytest.fixture
def prepared(
    s3: "S3Client", context: SimpleNamespace, database: StoringInflux, aws: ScriptedAws
) -> tuple[Deployment, PreparedSearch]:
    """A file of which every third hour is stale, another file with current points, and one at a later time."""
    aws.outputs |= {"FindStaleName": "stale"}
    aws.environments["stale"] = {}
    rewrites = Rewrites(s3, context)
    former = hours("SE", 0, 30, 1.0)
    rewrites.load(KEY, former)
    rewrites.load(KEY, {key: value for key, value in former.items() if key[1] % 3})
    rewrites.load(SAME_TIME, hours("N", 0, 30, 1.0))
    rewrites.load(LATER, hours("N", 50, 3, 1.0))
    deployment = Deployment(STACK_NAME)
    [search] = prepare_searches(deployment, "", "generation")
    return deployment, search


def window(first_hour: int, end_hour: int) -> Window:
    first, end = ((START + hour * HOUR) * 1000 for hour in (first_hour, end_hour))
    return Window("generation", first, end - 1)


def test_slices_remove_the_stale_points_of_the_window_with_the_current_ones_between_them(
    prepared: tuple[Deployment, PreparedSearch],
) -> None:
    deployment, search = prepared
    plan = plan_rebuild(deployment, search, window(10, 20))
    [request] = plan.requests
    times = tuple((START + hour * HOUR) * 1000 for hour in (12, 18))
    assert request == ((), *times, "slice", 3, 4 + 7)
    assert [bucket_and_key(item["object"])[1] for item in plan.files] == [KEY, SAME_TIME]
    [deletion] = deletions_of(plan)
    assert sorted(deletion.points.stale.points.time) == [(START + hour * HOUR) * 1000 for hour in (12, 15, 18)]
    assert len(deletion.points.current.points.time) == deletion.plan.rewritten == 11


def test_a_long_rebuild_becomes_several_deletions_with_the_points_of_their_slices(
    prepared: tuple[Deployment, PreparedSearch],
) -> None:
    deployment, search = prepared
    plan = plan_rebuild(deployment, search, window(0, 60), max_points=10)
    assert [(each.stale, each.rewritten) for each in plan.requests] == [(2, 6)] * 5
    deletions = list(deletions_of(plan, max_points=20))
    assert [len(each.plan.requests) for each in deletions] == [2, 2, 1]
    assert [len(each.points.current.points.time) for each in deletions] == [12, 12, 6]
    # Without stale points, only files are loaded again.
    plan = plan_rebuild(deployment, search, window(50, 60))
    assert (plan.requests, [bucket_and_key(item["object"])[1] for item in plan.files]) == ([], [LATER])
    assert list(deletions_of(plan)) == []


def test_a_plan_beyond_a_limit_or_a_source_that_is_gone_is_refused(
    prepared: tuple[Deployment, PreparedSearch], s3: "S3Client"
) -> None:
    deployment, search = prepared
    with pytest.raises(RefusedError, match="2 points have the time 2024-01-01T00:00:00"):
        plan_rebuild(deployment, search, window(0, 60), max_points=1)
    # In a versioned bucket, a deleted object keeps its versions.
    s3.delete_object(Bucket=SOURCE, Key=KEY)
    assert len(plan_rebuild(deployment, search, window(0, 60)).files) == 3
    version = s3.list_object_versions(Bucket=SOURCE, Prefix=KEY)["Versions"][0]["VersionId"]
    s3.delete_object(Bucket=SOURCE, Key=KEY, VersionId=version)
    with pytest.raises(RefusedError, match=r"is not in S3 any more, so it cannot be loaded again"):
        plan_rebuild(deployment, search, window(0, 60))


def test_a_replaced_version_without_a_footprint_or_without_a_report_is_a_doubt(
    prepared: tuple[Deployment, PreparedSearch], s3: "S3Client"
) -> None:
    """The search is of the items as they would be then. The former version of KEY has points from 0 to 30."""
    deployment, search = prepared
    assert doubts_in(search, window(0, 60)) == {}
    former = min((item for item in search.items if item["object"] == object_name(SOURCE, KEY)), key=by_change)
    others = [item for item in search.items if item is not former]
    other_execution: LedgerItem = {**former, "execution": "arn:other"}
    delete_all(s3, "reports/")
    after = prepare_search(deployment, search.measurement, [*others, other_execution], search.read_at)
    assert doubts_in(after, window(0, 60)) == {object_name(SOURCE, KEY): UNCERTAIN}
    assert doubts_in(after, window(50, 60)) == {}
    delete_all(s3, former["footprint"])
    after = prepare_search(deployment, search.measurement, search.items, search.read_at)
    assert doubts_in(after, window(50, 60)) == {object_name(SOURCE, KEY): "a replaced version has no footprint"}


def delete_all(s3: "S3Client", prefix: str) -> None:
    for each in s3.list_objects_v2(Bucket=WORK, Prefix=prefix)["Contents"]:
        s3.delete_object(Bucket=WORK, Key=each["Key"])


def by_change(item: LedgerItem) -> str:
    return item["changed_at"]
