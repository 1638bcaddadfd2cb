"""`loader retry`: which files it chooses, and how it loads them again."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.cli.commands.test_history import listed
from tests.functional.conftest import SOURCE
from tests.support.command_line import run_loader
from tests.support.ledger_entries import at, item, put_items
from tests.support.ledger_entries import failed_item as corrupt_item
from tests.support.scripted_aws import ScriptedAws, failed, succeeded

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.usefixtures("aws")

HEALED = "InfluxUnavailableError"


def failed_item(key: str, minutes_ago: float, *, error: str = HEALED, **more: Any) -> Any:
    """Return the item of a load that failed, by default with an error that can heal."""
    return corrupt_item(key, minutes_ago, **more) | {"error": error}


def put_files(s3: "S3Client", ledger: "Table", *items: Any) -> list[str]:
    """Put an object for each item, and the items with the real version ids, which are returned in the same order."""
    version_ids = {}
    for each in sorted(items, key=lambda each: each["last_modified"]):
        key = each["object"].removeprefix(f"s3://{SOURCE}/")
        version_ids[each["object"], each["version"]] = s3.put_object(Bucket=SOURCE, Key=key, Body=b"x")["VersionId"]
    for each in items:
        version_id = version_ids[each["object"], each["version"]]
        put_items(ledger, each | {"version": f"{each['version'].partition(' ')[0]} {version_id}"})
    return [version_ids[each["object"], each["version"]] for each in items]


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
def test_a_file_whose_newest_version_failed_or_was_abandoned_is_loaded_again(
    s3: "S3Client", ledger: "Table", items: list[Any]
) -> None:
    put_files(s3, ledger, *items)
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


def test_retry_keeps_to_its_prefix_and_its_time(s3: "S3Client", ledger: "Table") -> None:
    put_files(s3, ledger, failed_item("a/1", 1), failed_item("a/2", 100), failed_item("b/1", 1))
    assert listed("retry", "--dry-run", "dataset=generation/a/", "--since", "1h") == ["dataset=generation/a/1"]
    assert run_loader("retry", "--dry-run", "dataset=generation/c/").stdout == "no files to load again\n"


def test_each_version_that_failed_is_loaded_again_once(aws: ScriptedAws, s3: "S3Client", ledger: "Table") -> None:
    versions = put_files(s3, ledger, *(failed_item(f"{n}", 1) for n in range(6)))
    result = run_loader("retry", "--json")
    assert result.exit_code == 0
    assert [file["status"] for file in json.loads(result.stdout)] == ["SUCCEEDED"] * 6
    assert sorted((event["bucket"], event["key"], event["version_id"]) for event in aws.inputs) == [
        (SOURCE, f"dataset=generation/{n}", version) for n, version in enumerate(versions)
    ]


def test_no_more_than_four_loads_run_at_a_time(aws: ScriptedAws, s3: "S3Client", ledger: "Table") -> None:
    put_files(s3, ledger, *(failed_item(f"{n}", 1) for n in range(6)))
    aws.looks = 1
    assert run_loader("retry").exit_code == 0
    first_looks = aws.actions.index("DescribeExecution")
    assert aws.actions[:first_looks] == ["StartExecution"] * 4
    assert aws.actions.count("StartExecution") == 6


def test_the_result_of_each_file_is_shown_with_what_to_do(aws: ScriptedAws, s3: "S3Client", ledger: "Table") -> None:
    put_files(s3, ledger, *(failed_item(key, minutes) for minutes, key in enumerate(("a", "b", "c", "d"))))
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
        "InfluxUnavailableError loaded dataset=generation/a",
        "InfluxUnavailableError failed CorruptParquetError dataset=generation/b",
        "InfluxUnavailableError failed again dataset=generation/c",
        "InfluxUnavailableError skipped: already loaded dataset=generation/d",
    ]
    assert "The producer must write the file again." in result.stdout
    assert "Then `loader retry` loads all files again whose errors can heal." in result.stdout


def test_an_object_that_was_deleted_since_is_skipped(aws: ScriptedAws, s3: "S3Client", ledger: "Table") -> None:
    put_files(s3, ledger, failed_item("a", 1), failed_item("b", 2))
    s3.delete_object(Bucket=SOURCE, Key="dataset=generation/a")
    lines = [" ".join(line.split()) for line in run_loader("retry").stdout.splitlines()]
    assert "InfluxUnavailableError skipped: deleted since dataset=generation/a" in lines
    assert [event["key"] for event in aws.inputs] == ["dataset=generation/b"]


@pytest.mark.parametrize("error", ["SchemaMismatchError", "UnknownDatasetError", "CollidingRecordsError"])
def test_an_error_that_cannot_heal_is_repeated_only_with_force(
    aws: ScriptedAws, s3: "S3Client", ledger: "Table", error: str
) -> None:
    put_files(s3, ledger, failed_item("a", 1, error=error))
    skipped = run_loader("retry")
    assert (skipped.exit_code, aws.inputs) == (0, [])
    assert "no files to load again" in skipped.stdout
    assert "skipped: cannot succeed with the same file (--force)" in skipped.stdout
    assert run_loader("retry", "--force").exit_code == 0
    assert [event["key"] for event in aws.inputs] == ["dataset=generation/a"]


def test_loads_are_selected_by_their_error(s3: "S3Client", ledger: "Table") -> None:
    abandoned = item("c", "claimed", 400, lease_until=at(1))
    put_files(s3, ledger, failed_item("a", 1), failed_item("b", 2, error="States.Timeout"), abandoned)
    for error, key in ((HEALED, "a"), ("States.Timeout", "b"), ("abandoned", "c")):
        assert listed("retry", "--dry-run", "--error", error) == [f"dataset=generation/{key}"]
    result = run_loader("retry", "--error", "SchemaError")
    assert (result.exit_code, "unknown error 'SchemaError'" in result.stderr) == (2, True)
