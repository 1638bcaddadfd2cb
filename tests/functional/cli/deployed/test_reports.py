"""Reports, found by the beginning of a load ID, or by an execution."""

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from cli.deployed.reports import find_report, reports
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from tests.functional.cli.conftest import KEY, ROWS
from tests.functional.conftest import WORK
from tests.support.builders import generation
from tests.support.finished_load import StoringInflux, load_file
from tests.support.scripted_aws import MACHINE, STACK, ScriptedAws, failed, succeeded

if TYPE_CHECKING:
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
    with pytest.raises(NotFoundError, match="no load ID starts with 'nobody' and no execution has that name"):
        find_report(Deployment(STACK), "nobody")
