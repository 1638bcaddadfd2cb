"""`loader plan` without a deployment: the dry run of a file on this machine."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from shared.code_digest import code_digest, datasets_digest
from shared.ledger import version_name
from tests.functional.conftest import SOURCE
from tests.support.builders import generation, parquet
from tests.support.command_line import NOWHERE, TERMINAL, run_loader
from tests.support.ledger_entries import item, put_items
from tests.support.scripted_aws import ScriptedAws

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

plan_detached = partial(run_loader, "plan", "--detached", **NOWHERE)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plants.parquet"
    path.write_bytes(parquet(generation(5, region=["N", "S", None, "-", "a\tb"])))
    return path


def test_a_plan_accounts_for_every_row(file: Path) -> None:
    result = plan_detached(str(file), "--dataset", "generation", "--json", MAX_BATCH_SIZE="1")
    assert result.exit_code == 0, result.output
    plan = json.loads(result.stdout)
    assert (plan["key"], plan["message"], plan["error"]) == ("dataset=generation/plants.parquet", "would load", None)
    assert (plan["input_rows"], plan["output_points"], plan["batches"], plan["chunks"]) == (5, 2, 2, 1)
    assert plan["set_aside_rows"] == {"missing_tag": 2, "unusable_tag": 1}
    assert [reason["rows"] for reason in plan["set_aside_reasons"]] == [2, 1]
    assert plan["set_aside_reasons"][0]["samples"][0]["source_row"] == 2
    assert plan["first_lines"][0].startswith("generation_data,energy_source=hydro")


def test_a_plan_reads_as_a_table(file: Path) -> None:
    result = plan_detached(str(file), "--dataset", "generation", **TERMINAL)
    assert "would load" in result.stdout
    assert "2  set aside: missing_tag   region is empty" in result.stdout


def test_a_file_that_would_fail_is_reported_with_the_error_of_its_load(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])
    result = plan_detached(str(file), "--dataset", "generation", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"] == "CorruptParquetError"


def test_a_file_of_which_nothing_is_left_would_fail(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(parquet(generation(2, region=[None, None])))
    result = plan_detached(str(tmp_path / "a.parquet"), "--dataset", "generation", "--json")
    assert (result.exit_code, json.loads(result.stdout)["error"]) == (1, "NoValidRecordsError")


def test_a_file_that_would_be_skipped_is_reported_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    result = plan_detached(str(tmp_path / "a.csv"), "--dataset", "generation", "--json")
    assert (result.exit_code, json.loads(result.stdout)["message"]) == (
        0,
        "would be skipped: not a .parquet file: 'a.csv'",
    )


def test_the_dataset_is_taken_from_the_path(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dataset=generation" / "year=2024"
    folder.mkdir(parents=True)
    path = file.rename(folder / file.name)
    plan = json.loads(plan_detached(str(path), "--json").stdout)
    assert plan["key"] == "dataset=generation/year=2024/plants.parquet"


def test_a_loader_s_error_has_status_1(file: Path) -> None:
    result = plan_detached(str(file), "--dataset", "generation", MAX_BATCH_SIZE="many")
    assert (result.exit_code, "SettingsError: MAX_BATCH_SIZE is 'many'" in result.stderr) == (1, True)


def test_a_plan_shows_what_is_plausible(tmp_path: Path) -> None:
    times = pa.array([week * 7 * 86_400 for week in range(1_100, 1_400)], pa.timestamp("s"))
    (tmp_path / "a.parquet").write_bytes(parquet(generation(300, timestamp=times)))
    result = plan_detached(str(tmp_path / "a.parquet"), "--dataset", "generation")
    assert "at most 300 of 7 days (assumed: the bucket cannot be read)" in result.stdout
    assert "Warning: the points touch up to 300 shards of 7 days" in result.stdout
    assert "Note: times without a zone were read as UTC" in result.stdout
    result = plan_detached(str(tmp_path / "a.parquet"), "--dataset", "generation", "--json")
    assert json.loads(result.stdout)["plausibility"]["shards"] == 300


def test_a_file_in_the_wrong_unit_would_fail_with_the_reason(tmp_path: Path) -> None:
    milliseconds = pa.array([1_704_067_200_000] * 3, pa.timestamp("us"))
    (tmp_path / "a.parquet").write_bytes(parquet(generation(3, timestamp=milliseconds)))
    plan = json.loads(plan_detached(str(tmp_path / "a.parquet"), "--dataset", "generation", "--json").stdout)
    assert (plan["error"], plan["set_aside_rows"]) == ("NoValidRecordsError", {"implausible_time": 3})
    assert "in a unit 1,000 times as long, they would be 2024-01-01" in plan["message"]


def test_a_file_with_too_many_series_would_fail_with_the_tag(tmp_path: Path) -> None:
    table = generation(9, plant_name=[f"plant {number}" for number in range(9)])
    (tmp_path / "a.parquet").write_bytes(parquet(table))
    result = plan_detached(str(tmp_path / "a.parquet"), "--dataset", "generation", "--json", MAX_SERIES="8")
    plan = json.loads(result.stdout)
    assert (plan["error"], plan["chunks"]) == ("TooManySeriesError", 0)
    assert "the tag 'plant_name' has the most values" in plan["message"]


@pytest.mark.usefixtures("aws")
def test_an_object_of_a_dataset_that_is_not_declared_suggests_to_declare_it(s3: "S3Client", file: Path) -> None:
    s3.put_object(Bucket=SOURCE, Key="dataset=weather/a.parquet", Body=file.read_bytes())
    result = run_loader("plan", f"s3://{SOURCE}/dataset=weather/a.parquet", "--detached")
    assert result.exit_code == 1
    assert "`loader suggest FILE` proposes the declaration" in result.stdout


def put_loaded(s3: "S3Client", ledger: "Table", file: Path, **more: Any) -> str:
    """Put the file into the source bucket, and an item of its version into the ledger. Return its address."""
    key = f"dataset=generation/{file.name}"
    s3.put_object(Bucket=SOURCE, Key=key, Body=file.read_bytes())
    head = s3.head_object(Bucket=SOURCE, Key=key)
    version = version_name(head["LastModified"], head["VersionId"], head["ETag"])
    put_items(ledger, item(file.name, "loaded", 1) | {"version": version} | more)
    return f"s3://{SOURCE}/{key}"


@pytest.mark.parametrize(("bucket_id", "check"), [("new", "current"), ("old", "replaced"), ("", "not checkable")])
@pytest.mark.usefixtures("aws")
def test_a_plan_predicts_that_a_loaded_object_is_skipped(
    s3: "S3Client", ledger: "Table", file: Path, bucket_id: str, check: str
) -> None:
    address = put_loaded(s3, ledger, file, bucket_id=bucket_id)
    plan = json.loads(run_loader("plan", address, "--json").stdout)
    assert plan["message"].startswith("would be skipped: already loaded")
    assert (plan["status"], plan["bucket"], plan["output_points"]) == ("loaded", check, 2)
    assert ("bucket was replaced since: `loader" in run_loader("plan", address).stdout) == (check == "replaced")


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("status", "more", "message"),
    [
        ("failed", {}, "would load"),
        ("claimed", {"lease_until": "2999-01-01T09:30:00Z"}, "would be skipped: already being loaded"),
        ("claimed", {"lease_until": "2020-01-01T09:30:00Z"}, "would load"),
    ],
)
def test_a_plan_predicts_what_the_ledger_allows(  # noqa: PLR0917 - three fixtures
    s3: "S3Client", ledger: "Table", file: Path, status: str, more: dict[str, str], message: str
) -> None:
    address = put_loaded(s3, ledger, file, status=status, **more)
    plan = json.loads(run_loader("plan", address, "--json").stdout)
    assert (plan["message"], plan["status"], plan["bucket"]) == (message, status, None)


def test_a_plan_says_when_the_deployed_code_differs(aws: ScriptedAws, file: Path) -> None:
    aws.outputs |= {"CodeDigest": code_digest(), "DatasetsDigest": datasets_digest()}
    command = ("plan", str(file), "--dataset", "generation")
    assert "Warning: the deployed" not in run_loader(*command).stdout
    aws.outputs["CodeDigest"] = "0123456789abcdef"
    assert "Warning: the deployed code differs from this checkout" in run_loader(*command).stdout
    plan = json.loads(run_loader(*command, "--json").stdout)
    assert (plan["deployed_code"], plan["deployed_datasets"]) == ("differs", "same")


def test_a_plan_reads_the_settings_of_the_deployment(aws: ScriptedAws, file: Path) -> None:
    aws.environments["convert"] = {"MAX_BATCH_SIZE": "1"}
    plan = json.loads(run_loader("plan", str(file), "--dataset", "generation", "--json", MAX_BATCH_SIZE="7").stdout)
    assert plan["batches"] == plan["output_points"] == 2


def test_several_files_and_folders_are_planned_and_one_failure_is_status_1(file: Path) -> None:
    broken = file.with_name("broken.parquet")
    broken.write_bytes(file.read_bytes()[:-9])
    result = plan_detached(str(file.parent), "--dataset", "generation", "--json")
    plans = json.loads(result.stdout)
    assert [(Path(plan["source"]).name, plan["error"]) for plan in plans] == [
        ("broken.parquet", "CorruptParquetError"),
        ("plants.parquet", None),
    ]
    assert result.exit_code == 1
    result = plan_detached(str(file), f"{file.parent}/p*", "--dataset", "generation")
    assert (result.exit_code, result.stdout.count("would load")) == (0, 1)


def test_two_files_with_the_same_key_are_not_planned(file: Path) -> None:
    (file.parent / "b").mkdir()
    other = file.parent / "b" / file.name
    other.write_bytes(file.read_bytes())
    result = plan_detached(str(file), str(other), "--dataset", "generation")
    assert (result.exit_code, result.stdout, "have the same key" in result.stderr) == (2, "", True)
