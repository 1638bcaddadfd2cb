"""`loader retry`: which files it chooses, and how it loads them again."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.cli.commands.test_history import listed
from tests.functional.conftest import SOURCE
from tests.support.command_line import run_loader
from tests.support.ledger_entries import at, failed_item, item, put_items
from tests.support.scripted_aws import ScriptedAws, failed, succeeded

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

pytestmark = pytest.mark.usefixtures("aws")

OLDER: dict[str, Any] = {"version": "v1", "written": 1}
NEWER: dict[str, Any] = {"version": "v2", "written": 2}


@pytest.mark.parametrize(
    "items",
    [
        [failed_item("a", 1)],
        [failed_item("a", 2, **NEWER), item("a", "loaded", 1, **OLDER)],
        [failed_item("a", 2, **OLDER), failed_item("a", 1, **NEWER)],
        [item("a", "claimed", 400, lease_until=at(1))],
    ],
)
def test_a_file_whose_newest_version_failed_or_was_abandoned_is_loaded_again(ledger: "Table", items: list[Any]) -> None:
    put_items(ledger, *items)
    assert listed("retry", "--dry-run") == ["dataset=generation/a"]


@pytest.mark.parametrize(
    "items",
    [
        [failed_item("a", 1, **OLDER), item("a", "loaded", 2, **NEWER)],
        [failed_item("a", 1, **OLDER), item("a", "claimed", 2, **NEWER)],
        [failed_item("a", 1, **OLDER), item("a", "skipped", 2, **NEWER)],
        [failed_item("a", 2), item("a", "loaded", 1, version="v2")],
        [item("a", "claimed", 1)],
        [item("a", "loaded", 1), item("b", "skipped", 1)],
    ],
)
def test_every_other_file_is_left_alone(ledger: "Table", items: list[Any]) -> None:
    put_items(ledger, *items)
    assert listed("retry", "--dry-run") == []


def test_retry_keeps_to_its_prefix_and_its_time(ledger: "Table") -> None:
    put_items(ledger, failed_item("a/1", 1), failed_item("a/2", 100), failed_item("b/1", 1))
    assert listed("retry", "--dry-run", "dataset=generation/a/", "--since", "1h") == ["dataset=generation/a/1"]
    assert run_loader("retry", "--dry-run", "dataset=generation/c/").stdout == "no files to load again\n"


def test_each_version_that_failed_is_loaded_again_once(aws: ScriptedAws, ledger: "Table") -> None:
    put_items(ledger, *(failed_item(f"{n}", 1, version=f"v{n}") for n in range(6)))
    result = run_loader("retry", "--json")
    assert result.exit_code == 0
    assert [file["status"] for file in json.loads(result.stdout)] == ["SUCCEEDED"] * 6
    keys = [f"dataset=generation/{n}" for n in range(6)]
    assert sorted((event["bucket"], event["key"], event["version_id"]) for event in aws.inputs) == [
        (SOURCE, key, f"v{key[-1]}") for key in keys
    ]


def test_no_more_than_four_loads_run_at_a_time(aws: ScriptedAws, ledger: "Table") -> None:
    put_items(ledger, *(failed_item(f"{n}", 1) for n in range(6)))
    aws.looks = 1
    assert run_loader("retry").exit_code == 0
    first_looks = aws.actions.index("DescribeExecution")
    assert aws.actions[:first_looks] == ["StartExecution"] * 4
    assert aws.actions.count("StartExecution") == 6


def test_the_result_of_each_file_is_shown_with_what_to_do(aws: ScriptedAws, ledger: "Table") -> None:
    put_items(ledger, *(failed_item(key, minutes) for minutes, key in enumerate(("a", "b", "c", "d"))))
    endings = {
        "a": succeeded(),
        "b": failed("CorruptParquetError", "truncated"),
        "c": failed("InfluxUnavailableError", "503"),
        "d": succeeded("Skipped: already loaded"),
    }
    aws.ending = lambda event: endings[event["key"][-1]]
    result = run_loader("retry")
    assert result.exit_code == 1
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[1:5] == [
        "CorruptParquetError loaded dataset=generation/a",
        "CorruptParquetError failed again dataset=generation/b",
        "CorruptParquetError failed InfluxUnavailableError dataset=generation/c",
        "CorruptParquetError skipped: already loaded dataset=generation/d",
    ]
    assert "CorruptParquetError: correct the file and upload it again" in result.stdout
    assert "InfluxUnavailableError: run `loader retry` when InfluxDB and S3 are available again" in result.stdout
