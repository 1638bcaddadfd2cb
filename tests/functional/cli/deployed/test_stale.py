"""Stale points, counted by object from the ledger and the work bucket of a deployment."""

import doctest
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from cli.deployed import stale
from cli.deployed.stack import Deployment
from cli.deployed.stale import count_stale, prepare_searches
from shared.settings import STACK_NAME
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import hours, key_of
from tests.support.stale_points import Rewrites
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def rewrites(s3: "S3Client", context: SimpleNamespace, database: StoringInflux) -> Rewrites:
    return Rewrites(s3, context)


def test_examples_give_the_results_that_they_show() -> None:
    assert doctest.testmod(stale).failed == 0


def test_they_are_counted_for_each_object_that_was_replaced(rewrites: Rewrites) -> None:
    for slot, replacement in ((0, hours("SE", 0, 1, 1.0)), (1, hours("N", 0, 2, 1.0))):
        rewrites.load(key_of(slot, 1), hours("SE" if slot == 0 else "N", 0, 3, 1.0))
        rewrites.load(key_of(slot, 1), replacement)
    counts = count_stale(Deployment(STACK_NAME), "", lambda _: True)
    assert counts.doubts == {}
    assert counts.points == {f"s3://source/{key_of(0, 1)}": 2, f"s3://source/{key_of(1, 1)}": 1}
    assert count_stale(Deployment(STACK_NAME), "", lambda name: name.endswith("/1.parquet")).points == {
        f"s3://source/{key_of(1, 1)}": 1
    }


def test_what_may_have_left_more_points_is_in_doubt(rewrites: Rewrites) -> None:
    """The footprint of the replaced version is gone; then also that of a current file of another key."""
    deployment, replaced, other = Deployment(STACK_NAME), key_of(0, 1), key_of(1, 1)
    name = f"s3://source/{replaced}"
    former = rewrites.load(replaced, hours("SE", 0, 3, 1.0))
    rewrites.load(replaced, hours("SE", 0, 2, 1.0))
    current = rewrites.load(other, hours("N", 0, 1, 1.0))
    assert count_stale(deployment, "", lambda _: True) == ({name: 1}, {})
    delete_footprint(rewrites, current)
    reason = "current files have no footprint: run `loader footprints`"
    assert count_stale(deployment, "", lambda _: True) == ({}, {name: reason})
    assert count_stale(deployment, "", lambda object_: object_.endswith(other)) == ({}, {})
    delete_footprint(rewrites, former)
    reason = "a replaced version has no footprint"
    assert count_stale(deployment, "", lambda _: True) == ({}, {name: reason})


def delete_footprint(rewrites: Rewrites, load: StepwiseLoad) -> None:
    prefix = f"footprints/generation/{load.state['file']['load_id']}/"
    for content in rewrites.s3.list_objects_v2(Bucket="work", Prefix=prefix)["Contents"]:
        rewrites.s3.delete_object(Bucket="work", Key=content["Key"])


def test_a_prefix_that_names_a_dataset_needs_one_search(rewrites: Rewrites) -> None:
    searches = prepare_searches(Deployment(STACK_NAME), "dataset=consumption/year=2024/", "")
    assert [prepared.measurement.name for prepared in searches] == ["consumption_data"]
    assert len(list(prepare_searches(Deployment(STACK_NAME), "data", ""))) == 3
