"""Loads by their names: a load ID, an execution, or a key, and the first characters of each; and mistyped names."""

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cli.deployed.names import find_entry, find_report, is_key, suggest_load
from cli.deployed.reports import reports
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from tests.functional.cli.conftest import KEY, ROWS
from tests.functional.conftest import SOURCE, WORK
from tests.support.builders import generation
from tests.support.finished_load import StoringInflux, load_file
from tests.support.ledger_entries import item, put_items
from tests.support.scripted_aws import MACHINE, STACK, ScriptedAws, failed, succeeded

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client


def test_the_beginning_of_a_load_id_finds_its_report(load: Any) -> None:
    for length in (4, 8, 16):
        report = find_report(Deployment(STACK), load["load_id"][:length])
        assert (report.key, report.data, report.execution) == (load["report"], load, "run-1")
    assert report.response["statusCode"] == 200
    assert report.file
    assert (report.file["key"], report.outcomes.points) == (KEY, ROWS - 2)


def test_of_several_executions_of_a_load_the_last_counts(
    s3: "S3Client", context: SimpleNamespace, database: StoringInflux
) -> None:
    s3.put_bucket_versioning(Bucket="source", VersioningConfiguration={"Status": "Suspended"})
    first = load_file(s3, context, KEY, generation(3), execution="run-b")
    time.sleep(1.1)  # S3 tells times to the second
    second = load_file(s3, context, KEY, generation(3), execution="run-a")
    assert first["load_id"] == second["load_id"]
    assert find_report(Deployment(STACK), first["load_id"]).execution == "run-a"
    assert [key for _, key in sorted(reports(Deployment(STACK), "reports/"))] == [first["report"], second["report"]]


def test_two_loads_with_the_same_beginning_are_named(aws: ScriptedAws, s3: "S3Client") -> None:
    for load in ("abcd0", "abcd1"):
        s3.put_object(Bucket=WORK, Key=f"reports/generation/{load}/run.json", Body=b"{}")
    with pytest.raises(RefusedError, match="2 load IDs start with abcd, add more characters: abcd0, abcd1"):
        find_report(Deployment(STACK), "abcd")


def test_an_execution_finds_its_report_by_name_or_arn(aws: ScriptedAws, load: Any) -> None:
    arn = aws.start(MACHINE, {}, "by-name", **succeeded(report=load["report"]))
    for name in (arn, "by-name"):
        assert find_report(Deployment(STACK), name).key == load["report"]


def test_an_execution_that_is_running_has_no_report_yet(aws: ScriptedAws) -> None:
    aws.looks = 10
    aws.start(MACHINE, {}, "still-running")
    with pytest.raises(RefusedError, match="still-running is still running, in state WriteBatches: `loader watch"):
        find_report(Deployment(STACK), "still-running")


def test_what_has_no_report_says_why(aws: ScriptedAws) -> None:
    aws.start(MACHINE, {}, "lost", **failed("States.Timeout", "timed out"))
    with pytest.raises(NotFoundError, match="lost has no report: timed out"):
        find_report(Deployment(STACK), "lost")
    with pytest.raises(NotFoundError, match="no load ID, execution, or key starts with 'nobody'"):
        find_report(Deployment(STACK), "nobody")


@pytest.fixture
def recent(aws: ScriptedAws, ledger: "Table") -> Deployment:
    put_items(
        ledger,
        item("2023/a.parquet", "loaded", 5, execution=f"{MACHINE}:nightly-0001", load_id="0123456789abcdef"),
        item("2023/a.parquet", "loaded", 2, written=1, execution=f"{MACHINE}:nightly-0003", report="reports/last.json"),
        item("2023/b.parquet", "failed", 3, execution=f"{MACHINE}:other", error="CorruptParquetError", message="no"),
    )
    return Deployment(STACK)


def execution_of(deployment: Deployment, text: str) -> str:
    entry = find_entry(deployment, text)
    return entry.execution.rpartition(":")[2] if entry else ""


@pytest.mark.parametrize(
    ("text", "execution"),
    [
        ("oth", "other"),
        ("nightly-0003", "nightly-0003"),
        ("dataset=generation/2023/a", "nightly-0003"),
        ("dataset=generation/2023/a.parquet", "nightly-0003"),
        (f"s3://{SOURCE}/dataset=generation/2023/b", "other"),
        ("nobody", ""),
        ("dataset=consumption/", ""),
    ],
)
def test_the_first_characters_of_an_execution_or_a_key_suffice(recent: Deployment, text: str, execution: str) -> None:
    assert execution_of(recent, text) == execution


@pytest.mark.parametrize(
    ("text", "words"),
    [("nightly", "2 executions start with 'nightly'"), ("dataset=generation/", "2 files start with 's3://source/")],
)
def test_names_that_begin_alike_are_listed(recent: Deployment, text: str, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        find_entry(recent, text)


def test_a_key_finds_the_report_of_its_last_load(recent: Deployment, s3: "S3Client") -> None:
    s3.put_object(Bucket=WORK, Key="reports/last.json", Body=b"{}")
    assert find_report(recent, "dataset=generation/2023/a").key == "reports/last.json"


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("01234576", "01234567"),
        ("nigthly-0003", "nightly-0003"),
        ("dataset=generatoin/2023/b.parquet", "dataset=generation/2023/b.parquet"),
    ],
)
def test_a_mistyped_name_gets_the_close_ones(recent: Deployment, text: str, matches: str) -> None:
    assert matches in suggest_load(recent, text)
    with pytest.raises(NotFoundError, match="did you mean"):
        find_report(recent, text)


def test_nothing_is_close_to_something_else(recent: Deployment) -> None:
    assert suggest_load(recent, "zzz") == ""


def test_keys_and_arns_differ() -> None:
    assert [is_key(text) for text in ("a/b", "dataset=generation", "s3://b/k", "0123", f"{MACHINE}:run")] == [
        True,
        True,
        True,
        False,
        False,
    ]
