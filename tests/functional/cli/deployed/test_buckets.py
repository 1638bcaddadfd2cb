"""The ids of the InfluxDB buckets that the deployed CheckHealth reads, and why they may be absent."""

import pytest

from cli.deployed.buckets import read_buckets
from cli.deployed.stack import Deployment
from tests.support.scripted_aws import STACK, ScriptedAws


def test_a_recorded_id_is_compared_with_the_current_one_of_the_dataset(aws: ScriptedAws) -> None:
    aws.results["health"] = {"bucket_ids": {"generation": "new", "consumption": ""}}
    buckets = read_buckets(Deployment(STACK))
    assert buckets.problem == ""
    assert [buckets.check("generation", recorded) for recorded in ("new", "old", "")] == [
        "current",
        "replaced",
        "not checkable",
    ]
    assert {buckets.check(dataset, "old") for dataset in ("consumption", "unknown")} == {"not checkable"}


def test_the_shard_group_durations_are_read_too(aws: ScriptedAws) -> None:
    aws.results["health"] = {"bucket_ids": {}, "shard_seconds": {"generation": 86_400}}
    assert read_buckets(Deployment(STACK)).shard_seconds == {"generation": 86_400}


def test_a_former_release_tells_no_ids(aws: ScriptedAws) -> None:
    aws.results["health"] = {"status": "healthy"}
    buckets = read_buckets(Deployment(STACK))
    assert (buckets.check("generation", "old"), buckets.shard_seconds) == ("not checkable", {})


def test_an_error_of_the_function_is_the_problem(aws: ScriptedAws) -> None:
    aws.results["health"] = {"errorType": "InfluxUnavailableError", "errorMessage": "refused"}
    assert read_buckets(Deployment(STACK)).problem == "InfluxUnavailableError: refused"


@pytest.mark.parametrize(
    ("output", "problem"), [(None, "has no output CheckHealthName"), ("gone", "an error occurred")]
)
def test_a_function_that_cannot_be_invoked_is_the_problem(aws: ScriptedAws, output: str | None, problem: str) -> None:
    aws.outputs.pop("CheckHealthName")
    if output:
        aws.outputs["CheckHealthName"] = output
    buckets = read_buckets(Deployment(STACK))
    assert problem.lower() in buckets.problem.lower()
    assert buckets.check("generation", "old") == "not checkable"
