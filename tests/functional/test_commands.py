"""`loader` without a deployment: the dry run of a file here, and what people get wrong."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from cli.deployed.ledger import parse_since
from cli.errors import RefusedError
from tests.support.builders import generation, parquet

NOWHERE = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "COLUMNS": "160",
}
"""An AWS that nobody answers for."""


def say(*command: str, **environment: str) -> Result:
    return CliRunner().invoke(app, [*command], env=NOWHERE | environment)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "plants.parquet"
    path.write_bytes(parquet(generation(5, region=["N", "S", None, "-", "a\tb"])))
    return path


def test_a_plan_tells_where_every_row_would_go(file: Path) -> None:
    result = say("plan", str(file), "--dataset", "generation", "--detached", "--json", MAX_BATCH_SIZE="1")
    assert result.exit_code == 0, result.output
    plan = json.loads(result.stdout)
    assert (plan["key"], plan["message"], plan["error"]) == ("dataset=generation/plants.parquet", "would load", None)
    assert (plan["input_rows"], plan["output_points"], plan["batches"], plan["chunks"]) == (5, 2, 2, 1)
    assert plan["set_aside_rows"] == {"missing_tag": 2, "unusable_tag": 1}
    assert [reason["rows"] for reason in plan["set_aside_reasons"]] == [2, 1]
    assert plan["set_aside_reasons"][0]["samples"][0]["source_row"] == 2
    assert plan["first_lines"][0].startswith("generation_data,energy_source=hydro")


def test_a_plan_reads_as_a_table(file: Path) -> None:
    result = say("plan", str(file), "--dataset", "generation", "--detached")
    assert "would load" in result.stdout
    assert "2  set aside: missing_tag   region is empty" in result.stdout


def test_a_file_that_would_fail_is_told_by_the_error_of_its_load(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])
    result = say("plan", str(file), "--dataset", "generation", "--detached", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"] == "CorruptParquetError"


def test_a_file_of_which_nothing_is_left_would_fail(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(parquet(generation(2, region=[None, None])))
    result = say("plan", str(tmp_path / "a.parquet"), "--dataset", "generation", "--detached", "--json")
    assert (result.exit_code, json.loads(result.stdout)["error"]) == (1, "NoValidRecordsError")


def test_a_file_that_is_no_load_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    result = say("plan", str(tmp_path / "a.csv"), "--dataset", "generation", "--detached", "--json")
    assert (result.exit_code, json.loads(result.stdout)["message"]) == (
        0,
        "would be skipped: not a .parquet file: 'a.csv'",
    )


def test_the_dataset_is_found_in_the_path(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dataset=generation" / "year=2024"
    folder.mkdir(parents=True)
    found = file.rename(folder / file.name)
    plan = json.loads(say("plan", str(found), "--detached", "--json").stdout)
    assert plan["key"] == "dataset=generation/year=2024/plants.parquet"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["plan", "nothing.parquet"], "no such file: nothing.parquet"),
        (["plan", "."], ". is a folder: name one file, or copy the folder to the source bucket (aws s3 sync)"),
        (["plan", "s3://bucket"], "not the address of an object: use s3://BUCKET/KEY"),
        (["plan", __file__], "does not name its dataset: add --dataset"),
        (["plan", __file__, "--dataset", "weather"], "unknown dataset 'weather'"),
        (
            ["load", __file__, "--dataset", "generation"],
            "was not uploaded, because it would not be loaded: not a .parquet file",
        ),
        (["load", "s3://source/a.parquet"], "check that the local cloud (`make cloud`) is still running"),
        (["backfill"], "specify the files to load"),
        (["backfill", "a/", "--follow", "run"], "specify the files to load"),
        (["backfill", "a/", "--max-concurrency", "0"], "greater than or equal to 1"),
        (["backfill", "a/", "--tolerated-failure-percentage", "101"], "less than or equal to 100"),
        (["history", "--status", "lost"], "unknown status 'lost'"),
        (["history", "--dataset", "weather"], "unknown dataset 'weather'"),
        (["history", "--since", "yesterday"], "'yesterday' is not a time: use 90m, 6h, 2d or 2024-01-31T12:00"),
        (["verify"], "Missing argument 'LOAD'"),
        (["undo"], "No such command 'undo'"),
    ],
)
def test_what_cannot_be_tried_is_told_in_a_line_with_status_2(command: list[str], said: str) -> None:
    result = say(*command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_an_empty_file_is_not_put_into_the_bucket(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").touch()
    result = say("load", str(tmp_path / "a.parquet"), "--dataset", "generation")
    assert (result.exit_code, "would not be loaded: an empty file" in result.stderr) == (2, True)


def test_a_loader_s_error_has_status_1(file: Path) -> None:
    result = say("plan", str(file), "--dataset", "generation", "--detached", MAX_BATCH_SIZE="many")
    assert (result.exit_code, "SettingsError: MAX_BATCH_SIZE is 'many'" in result.stderr) == (1, True)


def test_debug_shows_where_an_error_comes_from() -> None:
    assert isinstance(say("--debug", "plan", "nothing.parquet").exception, RefusedError)


def test_times_are_given_as_people_say_them() -> None:
    now = datetime.now(UTC)
    assert parse_since("") is None
    assert parse_since("2024-01-31T12:00") == datetime(2024, 1, 31, 12, tzinfo=UTC)
    recent = parse_since("2d")
    assert recent is not None
    assert timedelta(0) <= recent - (now - timedelta(days=2)) < timedelta(minutes=1)
