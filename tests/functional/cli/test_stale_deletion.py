"""`loader stale --delete` shows its plan, asks, and refuses where something speaks against it."""

import json
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from shared.deletion.records import plan_key
from shared.work_bucket import footprint_prefix
from tests.functional.conftest import WORK
from tests.support.command_line import run_loader
from tests.support.deletion import state
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import hours, key_of
from tests.support.scripted_aws import ScriptedAws
from tests.support.stale_points import Rewrites

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = key_of(0, 1)


@pytest.fixture
def rewrites(s3: "S3Client", context: SimpleNamespace, database: StoringInflux, aws: ScriptedAws) -> Rewrites:
    """A file of which one of twenty points is stale."""
    aws.outputs |= {"FindStaleName": "stale", "DeletePointsName": "delete"}
    aws.environments["stale"] = {}
    aws.results["delete"] = state(removed=1, rewritten=0)
    rewrites = Rewrites(s3, context)
    rewrites.load(KEY, hours("SE", 0, 20, 1.0))
    rewrites.load(KEY, hours("SE", 0, 19, 1.0))
    return rewrites


def deletions(rewrites: Rewrites) -> list[str]:
    """Return the ids of the deletions whose plans are stored."""
    listing = rewrites.s3.list_objects_v2(Bucket=WORK, Prefix="deletions/")
    return sorted({each["Key"].split("/")[1] for each in listing.get("Contents", [])})


def test_the_plan_is_shown_stored_and_executed(rewrites: Rewrites) -> None:
    result = run_loader("stale", KEY, "--delete", "--yes")
    assert result.exit_code == 0
    assert "generation_data: 1 stale point, 1 request, about 0 s" in result.stderr
    assert "Points that other programs write to this time while a request runs may be lost" in result.stderr
    [deletion] = deletions(rewrites)
    assert result.stdout.startswith(f"deletion {deletion}: 1 stale point removed\n")
    plan = json.loads(rewrites.s3.get_object(Bucket=WORK, Key=plan_key(deletion))["Body"].read())
    assert (plan["influxdb_bucket"], plan["measurement"], plan["datasets"]) == (
        "ons",
        "generation_data",
        ["generation"],
    )
    assert [(request["stale"], request["rewritten"]) for request in plan["requests"]] == [(1, 0)]


def test_nothing_happens_without_a_yes(rewrites: Rewrites) -> None:
    for answer in ("n\n", ""):
        result = run_loader("stale", KEY, "--delete", input=answer)
        assert (result.exit_code, "nothing was deleted: answer y, or add --yes" in result.stderr) == (2, True)
    assert deletions(rewrites) == []


@pytest.fixture
def interrupted(rewrites: Rewrites) -> str:
    """The id of a deletion that was interrupted."""
    place = {"influxdb_bucket": "ons", "measurement": "other_data", "planned_at": "2024-01-01T00:00:00Z"}
    plan = json.dumps({**place, "requests": [{"stale": 3}, {"stale": 4}]}).encode()
    rewrites.s3.put_object(Bucket=WORK, Key=plan_key("d0"), Body=plan)
    return "d0"


def test_an_interrupted_deletion_is_completed_first(rewrites: Rewrites, interrupted: str) -> None:
    states = json.loads(run_loader("stale", KEY, "--delete", "--yes", "--json").stdout)
    assert list(states) == [interrupted, *(name for name in deletions(rewrites) if name != interrupted)]


def test_an_interrupted_deletion_is_not_continued_without_a_yes(
    rewrites: Rewrites, interrupted: str, aws: ScriptedAws
) -> None:
    aws.results["delete"] = {"errorType": "AssertionError", "errorMessage": "called"}
    result = run_loader("stale", KEY, "--delete", input="n\n")
    assert result.exit_code == 2
    place = "other_data in the InfluxDB bucket ons, planned at 2024-01-01T00:00:00Z"
    assert f"deletion {interrupted} of 7 stale points of {place}, was interrupted: it comes first" in result.stderr
    assert f"to give it up and write everything back, run `loader restore {interrupted}`" in result.stderr
    assert deletions(rewrites) == [interrupted]


@pytest.mark.parametrize(
    "end",
    [
        {"foreign": ["generation_data,region=N at 5"]},
        {"doubts": ["the field power_mw has values of the type float and string, which another program wrote"]},
        {"status": "outdated", "waits_for": ["s3://source/a"]},
        {"status": "refused", "waits_for": ["it has 101 requests"]},
    ],
    ids=["foreign", "doubts", "outdated", "refused"],
)
def test_the_exit_status_is_1_unless_everything_was_removed(
    rewrites: Rewrites, aws: ScriptedAws, end: dict[str, object]
) -> None:
    aws.results["delete"] = state(**end)
    for options in ((), ("--json",)):
        assert run_loader("stale", KEY, "--delete", "--yes", *options).exit_code == 1
    assert len(deletions(rewrites)) > 0


def test_many_points_of_a_load_need_force(rewrites: Rewrites) -> None:
    rewrites.load(KEY, hours("SE", 0, 5, 1.0))
    result = run_loader("stale", KEY, "--delete", "--yes")
    assert result.exit_code == 2
    # A point that two former versions had counts for either of them.
    assert re.search(r"nothing was deleted: (15 of 20|14 of 19) points that a former version of", result.stderr)
    assert deletions(rewrites) == []
    assert run_loader("stale", KEY, "--delete", "--yes", "--force").exit_code == 0
    assert len(deletions(rewrites)) == 1


def test_a_file_that_is_only_partly_loaded_needs_force(rewrites: Rewrites) -> None:
    rewrites.load(KEY, hours("SE", 0, 19, 1.0), verdict="partly loaded")
    result = run_loader("stale", KEY, "--delete", "--yes")
    assert (result.exit_code, f"{KEY} is only partly loaded" in result.stderr) == (2, True)


def test_nothing_is_deleted_where_a_file_has_no_footprint(rewrites: Rewrites) -> None:
    other = rewrites.load(key_of(1, 1), hours("SE", 3, 1, 5.0))
    prefix = footprint_prefix("generation", other.state["file"]["load_id"], other.state["execution"]["name"])
    for each in rewrites.s3.list_objects_v2(Bucket=WORK, Prefix=prefix)["Contents"]:
        rewrites.s3.delete_object(Bucket=WORK, Key=each["Key"])
    result = run_loader("stale", KEY, "--delete", "--yes", "--force")
    assert (result.exit_code, "has no complete footprint" in result.stderr) == (2, True)


def test_influxdb_3_cannot_delete(rewrites: Rewrites, aws: ScriptedAws) -> None:
    aws.results["health"] = {"version": "3.9.6"}
    result = run_loader("stale", KEY, "--delete", "--yes")
    assert (result.exit_code, "InfluxDB 3 cannot delete points" in result.stderr) == (2, True)
    assert deletions(rewrites) == []
