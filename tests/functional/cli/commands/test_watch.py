"""`loader watch`: loads and backfills that are running are found by ID, name, or because there is only one."""

import json
from typing import TYPE_CHECKING, Any

from tests.functional.conftest import SOURCE
from tests.support.command_line import run_loader
from tests.support.ledger_entries import item, put_items
from tests.support.scripted_aws import BACKFILL, MACHINE, ScriptedAws, failed, succeeded

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

KEY = "dataset=generation/a.parquet"
EVENT = {"bucket": SOURCE, "key": KEY}


def start_load(aws: ScriptedAws, ledger: "Table", load_id: str, name: str = "") -> str:
    """Start an execution that is seen running twice, and claim its version. Return its ARN."""
    aws.looks = 2
    aws.ending = lambda _: succeeded(key=KEY, load_id=load_id, points_written=3)
    arn = aws.start(MACHINE, EVENT, name)
    put_items(ledger, item(f"{load_id}.parquet", "claimed", 1, load_id=load_id, execution=arn))
    return arn


def test_a_running_load_is_watched_by_id_name_and_arn_to_its_end(aws: ScriptedAws, ledger: "Table") -> None:
    for number, target in enumerate(("0123", "run-2", "0123456789abcdef")):
        arn = start_load(aws, ledger, "0123456789abcdef", f"run-{number + 1}")
        result = run_loader("watch", target if not target.startswith("run") else arn)
        assert result.exit_code == 0, result.output
        assert result.stdout.splitlines()[0] == f"{KEY}  loaded"


def test_the_only_running_load_needs_no_name(aws: ScriptedAws, ledger: "Table") -> None:
    start_load(aws, ledger, "0123456789abcdef")
    assert json.loads(run_loader("watch", "--json").stdout)["message"] == "Data loaded successfully"


def test_a_load_that_has_not_claimed_its_file_yet_is_running(aws: ScriptedAws) -> None:
    aws.looks = 2
    aws.start(MACHINE, EVENT, "run-1", **succeeded(key=KEY))
    assert run_loader("watch").exit_code == 0


def test_a_load_that_fails_ends_with_status_1(aws: ScriptedAws) -> None:
    aws.start(MACHINE, EVENT, "run-1", **failed("CorruptParquetError", "it is truncated", key=KEY))
    result = run_loader("watch", "run-1")
    assert (result.exit_code, "CorruptParquetError" in result.stdout) == (1, True)


def test_a_backfill_is_watched_too(aws: ScriptedAws) -> None:
    counts: dict[str, Any] = {"files": 1, "loaded_files": 1, "not_loaded": []}
    end = succeeded(bucket=SOURCE, prefix="p/", report="backfills/run-1.json", **counts)
    aws.looks = 1
    arn = aws.start(BACKFILL, {}, "run-1", **end)
    result = run_loader("watch")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "1 of 1 file is loaded")
    assert run_loader("watch", arn).exit_code == 0


def test_of_several_one_must_be_named(aws: ScriptedAws, ledger: "Table") -> None:
    for load_id in ("0123456789abcdef", "0123456789abcdee"):
        start_load(aws, ledger, load_id)
    result = run_loader("watch")
    assert (result.exit_code, "2 loads and backfills are running: name one" in result.stderr) == (2, True)
    assert "0123456789abcdef.parquet" in result.stdout
    result = run_loader("watch", "0123")
    assert (result.exit_code, "2 running loads start with '0123'" in result.stderr) == (2, True)


def test_nothing_to_watch_is_said_with_what_to_do(aws: ScriptedAws, ledger: "Table") -> None:
    abandoned = item("a.parquet", "claimed", 600, lease_until="2020-01-01T00:00:00Z")
    put_items(ledger, abandoned)
    result = run_loader("watch")
    assert (result.exit_code, "nothing is running" in result.stderr) == (2, True)
    result = run_loader("watch", "0000")
    assert (result.exit_code, "`loader show 0000` shows one that has ended" in result.stderr) == (2, True)
    assert "DescribeExecution" in aws.actions


def test_the_first_characters_of_a_key_or_an_execution_suffice(aws: ScriptedAws, ledger: "Table") -> None:
    for target in ("dataset=generation/0123", f"s3://{SOURCE}/dataset=generation/0123456789", "night"):
        arn = start_load(aws, ledger, "0123456789abcdef", f"nightly-{len(aws.executions)}")
        result = run_loader("watch", target)
        assert (result.exit_code, result.stdout.splitlines()[:1]) == (0, [f"{KEY}  loaded"]), (arn, result.output)


def test_a_mistyped_id_gets_the_close_one(aws: ScriptedAws, ledger: "Table") -> None:
    put_items(ledger, item("a.parquet", "loaded", 1, load_id="0123456789abcdef"))
    result = run_loader("watch", "01234576")
    assert (result.exit_code, "(did you mean 01234567?)" in result.stderr) == (2, True)
