"""The readback of the demo ends with the server's words where InfluxDB answers with an error."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import typer

from local.demo import _sample_of
from local.expected_points import expected_points
from local.readback import Comparison, ReadbackError, compare
from shared.datasets import DATASETS, Dataset, Field
from tests.support.builders import generation, long_generation
from tests.support.scripted_influx import Reply, ScriptedInflux
from tests.support.slots import declare

CSV = "name,tags,time,energy_source,measurement_type,power_mw,region\n"
NOTHING = {"results": [{"statement_id": 0}]}
ERROR = {"results": [{"statement_id": 0, "error": "database not found: ons"}]}


def read_back(folder: Path, url: str, bucket: str = "ons") -> Comparison:
    pq.write_table(generation(3), folder / "file.parquet")
    return compare(folder / "file.parquet", DATASETS["generation"], url=url, bucket=bucket, token="t")


def answer(influx: ScriptedInflux, csv: str, json: Any) -> None:
    influx.fallback = lambda request: Reply(200, csv if request.headers["Accept"] == "application/csv" else json)


@pytest.mark.parametrize("csv", ["", CSV, "error\ndatabase not found: ons\n"])
@pytest.mark.parametrize("json", [ERROR, {"error": "database not found: ons"}, "database not found: ons"])
def test_an_error_in_a_reply_with_status_200_is_raised(
    tmp_path: Path, influx: ScriptedInflux, csv: str, json: Any
) -> None:
    answer(influx, csv, json)
    with pytest.raises(ReadbackError, match="database not found: ons"):
        read_back(tmp_path, influx.url)


def test_another_status_is_raised_with_its_words(tmp_path: Path, influx: ScriptedInflux) -> None:
    influx.fallback = lambda _: Reply(403, {"code": "forbidden", "message": "insufficient permissions"})
    with pytest.raises(ReadbackError, match=r"403 .*insufficient permissions"):
        read_back(tmp_path, influx.url)


def test_an_empty_database_is_an_answer(tmp_path: Path, influx: ScriptedInflux) -> None:
    answer(influx, "", NOTHING)
    comparison = read_back(tmp_path, influx.url)
    assert (comparison.expected, comparison.read_back, comparison.equal) == (3, 0, False)


def test_a_bucket_of_a_retention_policy_is_asked_with_both_names(tmp_path: Path, influx: ScriptedInflux) -> None:
    answer(influx, "", NOTHING)
    read_back(tmp_path, influx.url, "grid/raw")
    assert [(request.query["db"], request.query["rp"]) for request in influx.requests] == [("grid", "raw")] * 2


KEY = "dataset=generation/region=S%C3%A3o Paulo/a.parquet"
BY_PATTERN = replace(DATASETS["generation"], path_tags=("region",), key_pattern="raw (1)/{region}_v*/**.parquet")


@pytest.mark.parametrize(
    ("dataset", "key", "region"),
    [
        (replace(DATASETS["generation"], path_tags=("region",)), KEY, "São Paulo"),
        (BY_PATTERN, "raw (1)/S%C3%A3o Paulo_v2/2024/01/a.parquet", "São Paulo"),
    ],
)
def test_tags_of_the_key_are_expected_in_every_point(tmp_path: Path, dataset: Dataset, key: str, region: str) -> None:
    pq.write_table(generation(3, region=None), tmp_path / "file.parquet")
    points = expected_points(tmp_path / "file.parquet", dataset, key)
    assert points["region"].tolist() == [region] * 3


def test_rows_without_a_required_tag_in_the_key_are_not_expected(tmp_path: Path) -> None:
    pq.write_table(generation(3, region=None), tmp_path / "file.parquet")
    dataset = replace(DATASETS["generation"], path_tags=("region",))
    key = KEY.replace("S%C3%A3o Paulo", "__HIVE_DEFAULT_PARTITION__")
    assert len(expected_points(tmp_path / "file.parquet", dataset, key)) == 0


def test_the_key_of_a_file_of_the_demo_is_the_end_of_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("/data/lake") / KEY
    assert _sample_of(path, "generation")["generation"].key == KEY
    assert _sample_of(Path("/data/a.parquet"), "generation")["generation"].key == "dataset=generation/a.parquet"
    declare(monkeypatch, key_pattern=BY_PATTERN.key_pattern, path_tags=BY_PATTERN.path_tags)
    path = Path("/data/raw (1)/N_v2/a.parquet")
    assert _sample_of(path, "generation")["generation"].key == "raw (1)/N_v2/a.parquet"
    with pytest.raises(typer.BadParameter, match=r"does not end like a key of generation: raw \(1\)"):
        _sample_of(Path("/data/a.parquet"), "generation")


@pytest.mark.parametrize(("ratio", "percent"), [(0.29, 29.0), (0.1 + 0.2, 30.000000000000004), (1e-7, 1e-7 * 100)])
def test_ratios_are_expected_in_percent_with_the_same_digits(tmp_path: Path, ratio: float, percent: float) -> None:
    dataset = replace(DATASETS["generation"], fields=(Field(name="load", unit="%"),))
    pq.write_table(long_generation([ratio], ["ratio"]), tmp_path / "file.parquet")
    assert expected_points(tmp_path / "file.parquet", dataset)["load"].tolist() == [percent]
