"""The readback of the demo ends with the server's words where InfluxDB answers with an error."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from local.readback import Comparison, ReadbackError, compare
from shared.datasets import DATASETS
from tests.support.builders import generation
from tests.support.scripted_influx import Reply, ScriptedInflux

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
