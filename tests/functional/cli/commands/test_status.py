"""`loader status` shows on one screen what runs, what waits, and what needs a person."""

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from cli.deployed.undo_records import UNDO
from tests.support.command_line import TERMINAL, run_loader
from tests.support.ledger_entries import failed_item, item, put_items
from tests.support.scripted_aws import ScriptedAws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


@pytest.fixture(autouse=True)
def queue(aws: ScriptedAws) -> str:
    """A queue with one event, of a stack with sweeps."""
    queues: Any = boto3.client("sqs")
    url: str = queues.create_queue(QueueName="dead-letters")["QueueUrl"]
    queues.send_message(QueueUrl=url, MessageBody="{}")
    aws.outputs |= {"DeadLetterQueueUrl": url, "SweepMinutes": "15"}
    return url


@pytest.fixture
def loads(ledger: "Table") -> None:
    put_items(
        ledger,
        item("running", "claimed", 4),
        item("heals", "failed", 3, error="InfluxUnavailableError", message="down", tries=1),
        failed_item("broken", 90),
        item("loaded", "loaded", 5, points_written=1_000),
        item("partly", "loaded", 70, points_written=500, verdict="partly loaded", load_id="abcdef0123456789"),
    )


@pytest.mark.usefixtures("loads")
def test_the_screen_counts_every_load_once() -> None:
    text = run_loader("status", **TERMINAL).stdout
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0].startswith("InfluxdbLoader in account 123456789012, us-east-1 ")
    assert "1 running the oldest 4 min ago: `loader watch`" in lines
    assert any(line.startswith("1 waiting for the next try next at ") for line in lines)
    assert "1 needs a person the oldest 1 h ago: `loader history`" in lines
    assert "1 partly loaded in 24 hours `loader quarantine abcdef01`" in lines
    assert "1 event that started no load docs/operations.md, Dead letters" in lines
    assert any(", 5 min ago 2 1,500 " in line and line.endswith("▄█") for line in lines)


@pytest.mark.usefixtures("loads")
def test_the_same_as_json() -> None:
    state = json.loads(run_loader("status", "--json").stdout)
    names = {name: [each["object"].rpartition("/")[2] for each in state[name]] for name in list(state)[:4]}
    assert names == {
        "running": ["running"],
        "waiting": ["heals"],
        "needs_person": ["broken"],
        "partly_loaded": ["partly"],
    }
    assert (state["dead_letters"], sum(state["activity"][0]["points"])) == (1, 1_500)


@pytest.mark.usefixtures("loads")
def test_it_fits_into_80_columns() -> None:
    lines = run_loader("status", **TERMINAL | {"COLUMNS": "80"}).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) == 13


def test_an_undo_that_is_not_complete_is_shown_with_the_command_that_continues_it(ledger: "Table") -> None:
    record: Any = {"load_id": "abcdef0123456789", "dataset": "generation", "load_again": [], "gone": [], "head": None}
    version = {
        "source": "s3://source/dataset=generation/a",
        "source_version": "v1",
        "changed_at": "2024-01-01T00:00:00Z",
    }
    record |= {"undone": [version], "load_ids": [], "begun_at": "2024-01-02T00:00:00Z", "by": "arn:jane"}
    put_items(ledger, {"object": UNDO, "version": record["load_id"], **record})
    lines = [" ".join(line.split()) for line in run_loader("status").stdout.splitlines()]
    assert "1 undone, but not completely `loader undo abcdef01` continues" in lines
    state = json.loads(run_loader("status", "--json").stdout)
    assert state["undos"] == [{"load": record["load_id"], "object": version["source"]}]


def test_an_empty_ledger_is_a_screen_of_zeros() -> None:
    lines = [" ".join(line.split()) for line in run_loader("status").stdout.splitlines()]
    assert "0 running" in lines
    assert lines[-1] == "No file was loaded in the last 24 hours."
