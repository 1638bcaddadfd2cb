"""`loader quarantine`: rows that were set aside and points that InfluxDB rejected."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tests.support.builders import generation
from tests.support.command_line import run_loader
from tests.support.finished_load import StoringInflux, load_file

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_rows_and_points_are_grouped_by_reason_the_most_frequent_first(load: Any) -> None:
    result = run_loader("quarantine", load["load_id"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "2  missing_tag  region is empty"
    assert lines[1].startswith("    row 7: ")
    assert lines[3].startswith("1  refused_by_influxdb  ")
    assert "row 3: line=generation_data" in lines[4]


def test_for_programs_samples_are_records(load: Any) -> None:
    rows, points = json.loads(run_loader("quarantine", load["load_id"], "--json").stdout)
    assert [sample["source_row"] for sample in rows["samples"]] == [7, 8]
    assert rows["samples"][0]["record"]["power_mw"] == 7.0
    assert (points["rows"], points["samples"][0]["record"].keys()) == (1, {"line"})


def test_everything_is_exported_one_json_object_a_line(load: Any, tmp_path: Path) -> None:
    export = tmp_path / "rows.jsonl"
    assert run_loader("quarantine", load["load_id"], "--export", str(export)).exit_code == 0
    assert [json.loads(line)["source_row"] for line in export.read_text().splitlines()] == [7, 8, 3]


def test_a_load_without_a_quarantine_says_so(s3: "S3Client", context: SimpleNamespace, database: StoringInflux) -> None:
    data = load_file(s3, context, "dataset=generation/clean.parquet", generation(3))
    result = run_loader("quarantine", data["load_id"])
    assert result.stdout == "no rows were set aside, and InfluxDB rejected no points\n"
