"""`loader stale`, and what `loader status` and `loader verify` say about stale points."""

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from functions.find_stale.handler import lambda_handler as find_stale
from tests.support.command_line import run_loader
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import hours, key_of
from tests.support.scripted_aws import ScriptedAws
from tests.support.stale_points import Rewrites

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY, OTHER = key_of(0, 1), key_of(1, 1)


@pytest.fixture
def rewrites(s3: "S3Client", context: SimpleNamespace, database: StoringInflux, aws: ScriptedAws) -> Rewrites:
    """A file whose new version lacks two hours, one of which another file has."""
    aws.outputs |= {"FindStaleName": "stale"}
    aws.environments["stale"] = {"STALE_PAUSE_SECONDS": "60"}
    rewrites = Rewrites(s3, context)
    rewrites.load(KEY, hours("SE", 0, 4, 1.0))
    rewrites.load(OTHER, hours("SE", 3, 1, 5.0))
    return rewrites


def test_it_lists_how_many_which_series_and_times_and_examples(rewrites: Rewrites) -> None:
    assert run_loader("stale").stdout == "no stale points\n"
    rewrites.load(KEY, hours("SE", 0, 2, 1.0))
    text = run_loader("stale", KEY).stdout
    assert text.startswith("generation_data: 1 stale point in 1 series\n")
    assert "example: 2024-01-01T02:00:00.000000000Z  generation_data," in text
    [generation] = [each for each in json.loads(run_loader("stale", "--json").stdout) if each["points"]]
    assert (generation["influxdb_bucket"], generation["measurement"]) == ("ons", "generation_data")
    [series] = generation["series"]
    assert (series["points"], series["first_time"], series["last_time"]) == (
        1,
        "2024-01-01T02:00:00.000000000Z",
        "2024-01-01T02:00:00.000000000Z",
    )
    assert run_loader("stale", OTHER).stdout == "no stale points\n"


def test_it_says_what_nobody_can_know(rewrites: Rewrites) -> None:
    killed = rewrites.load(KEY, hours("N", 0, 2, 1.0), status="failed")
    report = f"reports/generation/{killed.state['file']['load_id']}/{killed.state['execution']['name']}.json"
    rewrites.s3.delete_object(Bucket="work", Key=report)
    rewrites.load(KEY, hours("SE", 0, 4, 1.0))
    assert "2 more points may be stale: it is not known whether InfluxDB stores them." in run_loader("stale").stdout
    rewrites.load(OTHER, hours("SE", 3, 1, 5.0), load_id="0" * 16)
    text = run_loader("stale").stdout
    assert "generation_data is not checkable: 1 current file without a footprint" in text
    assert "no stale points" not in text


@pytest.fixture
def stale_point(rewrites: Rewrites, context: Any, aws: ScriptedAws) -> Any:
    """The data of the load of the new version."""
    load = rewrites.load(KEY, hours("SE", 0, 2, 1.0))
    event: Any = {"state": "FindStale", "input": load.state}
    find_stale(event, context)
    queues: Any = boto3.client("sqs")
    aws.outputs |= {"DeadLetterQueueUrl": queues.create_queue(QueueName="dead-letters")["QueueUrl"]}
    return load.data


@pytest.mark.usefixtures("stale_point")
def test_the_status_counts_them() -> None:
    lines = [" ".join(line.split()) for line in run_loader("status").stdout.splitlines()]
    assert f"1 replaced, and left stale points 1 point: `loader stale '{KEY}'`" in lines
    assert json.loads(run_loader("status", "--json").stdout)["stale"] == [{"name": f"s3://source/{KEY}", "points": 1}]


def test_a_verification_says_that_all_is_equal_but_that_there_are_more_points(stale_point: Any) -> None:
    result = run_loader("verify", stale_point["load_id"][:8])
    assert result.stdout.splitlines()[-1] == f"equal, but 1 stale point: `loader stale '{KEY}'`"
    assert result.exit_code == 1
    result = run_loader("verify", KEY)
    assert result.stdout.splitlines()[-1] == f"equal, but 1 stale point: `loader stale '{KEY}'`"
    assert result.exit_code == 1
