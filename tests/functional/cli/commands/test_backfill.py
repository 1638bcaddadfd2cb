"""`loader backfill`: start one, watch one, stop one."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.functional.conftest import SOURCE, WORK
from tests.support.command_line import run_loader
from tests.support.scripted_aws import BACKFILL, ScriptedAws, succeeded

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "dataset=generation/"
NOT_LOADED = {"key": f"{PREFIX}b", "status": "claimed", "error": "", "message": "m", "execution": "", "report": ""}


def answer(*not_loaded: dict[str, str]) -> dict[str, Any]:
    """The end of a backfill of two files."""
    return succeeded(
        bucket=SOURCE,
        prefix=PREFIX,
        files=2,
        loaded_files=2 - len(not_loaded),
        not_loaded=list(not_loaded),
        report="backfills/run-1.json",
        processing_time_seconds=2.5,
    )


@pytest.fixture(autouse=True)
def source(s3: "S3Client", aws: ScriptedAws) -> None:
    """A bucket with one object, and backfills that load everything."""
    s3.put_object(Bucket=SOURCE, Key=f"{PREFIX}a.parquet", Body=b"x")
    aws.ending = lambda _: answer()


def test_a_prefix_is_backfilled_to_its_end(aws: ScriptedAws) -> None:
    result = run_loader("backfill", PREFIX)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "2 of 2 files are loaded")
    assert aws.inputs == [{"bucket": SOURCE, "prefix": PREFIX}]


def test_limits_are_passed_only_if_they_are_set(aws: ScriptedAws) -> None:
    limits = ("--max-concurrency", "2", "--max-failures", "0")
    run_loader("backfill", f"s3://{SOURCE}/{PREFIX}", *limits)
    assert aws.inputs == [
        {"bucket": SOURCE, "prefix": PREFIX, "max_concurrency": 2, "tolerated_failure_percentage": 0.0}
    ]


def test_force_loads_all_files_again(aws: ScriptedAws) -> None:
    run_loader("backfill", PREFIX, "--force")
    assert aws.inputs == [{"bucket": SOURCE, "prefix": PREFIX, "force": True}]


def test_one_file_that_is_not_loaded_is_status_1(aws: ScriptedAws) -> None:
    aws.ending = lambda _: answer(NOT_LOADED)
    result = run_loader("backfill", PREFIX, "--json")
    assert (result.exit_code, json.loads(result.stdout)["data"]["not_loaded"]) == (1, [NOT_LOADED])


def test_without_waiting_it_can_be_followed_by_name_or_arn(aws: ScriptedAws) -> None:
    arn = run_loader("backfill", PREFIX, "--no-wait").stdout.strip()
    for name in (arn, arn.rpartition(":")[2]):
        assert run_loader("backfill", "--follow", name).exit_code == 0
    assert list(aws.executions) == [arn]


def test_the_backfill_that_is_named_is_stopped(aws: ScriptedAws) -> None:
    aws.looks = 1000
    arn = aws.start(BACKFILL, {})
    result = run_loader("backfill", "--stop", arn)
    assert result.stdout.startswith("Stopped. Loads that are running continue to their end.")
    assert aws.actions[-1] == "StopExecution"
    followed = run_loader("backfill", "--follow", arn)
    assert (followed.exit_code, followed.stdout.split()[0]) == (1, "ABORTED")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dataset=nothing/"], f"no objects under s3://{SOURCE}/dataset=nothing/"),
        (["s3://elsewhere/a/"], "not from 'elsewhere'"),
        (["--follow", "nobody"], "no backfill named 'nobody'"),
        (["--stop", "nobody"], "no backfill named 'nobody'"),
    ],
)
def test_what_does_not_exist_has_status_2(aws: ScriptedAws, words: list[str], message: str) -> None:
    result = run_loader("backfill", *words)
    assert (result.exit_code, message in result.stderr, aws.inputs) == (2, True, [])


def test_a_manifest_is_stored_for_the_backfill(s3: "S3Client", aws: ScriptedAws, tmp_path: Path) -> None:
    (tmp_path / "files.txt").write_text(
        f"s3://{SOURCE}/{PREFIX}b.parquet\n\n {PREFIX}a b.parquet\r\n{PREFIX}b.parquet\n"
    )
    assert run_loader("backfill", "--manifest", str(tmp_path / "files.txt"), "--force").exit_code == 0
    [event] = aws.inputs
    content = s3.get_object(Bucket=WORK, Key=event["manifest"])["Body"].read().decode()
    assert content == f"{PREFIX}a b.parquet\n{PREFIX}b.parquet"
    assert event == {"bucket": SOURCE, "prefix": "", "manifest": event["manifest"], "force": True}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "names no file"),
        (f"s3://other/{PREFIX}a.parquet\n{PREFIX}a.parquet", "names several buckets (other, "),
        ("s3://other", "'s3://other' is not the address of an object"),
    ],
)
def test_a_manifest_that_names_no_files_of_one_bucket_is_refused(
    aws: ScriptedAws, tmp_path: Path, content: str, words: str
) -> None:
    (tmp_path / "files.txt").write_text(content)
    result = run_loader("backfill", "--manifest", str(tmp_path / "files.txt"))
    assert (result.exit_code, aws.inputs) == (2, [])
    assert words in " ".join(result.stderr.split())


def test_a_folder_of_a_table_is_warned_of(aws: ScriptedAws) -> None:
    aws.ending = lambda _: succeeded(**{**json.loads(answer()["output"])["data"], "tables": [PREFIX]})
    result = run_loader("backfill", PREFIX)
    assert f"s3://{SOURCE}/{PREFIX} is the folder of a Delta or Iceberg table" in result.stdout
    assert "--manifest" not in run_loader("backfill", PREFIX, "--json").stdout


def test_a_backfill_is_found_by_the_first_characters_of_its_name(aws: ScriptedAws) -> None:
    for name in ("nightly-1", "nightly-2", "weekly"):
        aws.start(BACKFILL, {}, name)
    result = run_loader("backfill", "--follow", "nightly")
    assert (result.exit_code, "2 backfills start with 'nightly'" in result.stderr) == (2, True)
    result = run_loader("backfill", "--follow", "wekely")
    assert (result.exit_code, "(did you mean weekly?)" in result.stderr) == (2, True)
    assert run_loader("backfill", "--stop", "week").stdout.startswith("Stopped.")
    stopped = json.loads(run_loader("backfill", "--stop", "week", "--json").stdout)
    assert (stopped["execution"].rpartition(":")[2], stopped["status"]) == ("weekly", "ABORTED")
