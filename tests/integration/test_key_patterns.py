"""A dataset with a key pattern and shares in percent on the deployed app, from the event to the points."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local.readback import compare
from shared.datasets import read_datasets
from tests.support.builders import long_generation
from tests.support.deployed_app import DeployedApp

DECLARATION = """
[shares]
measurement = "shares_by_region"
key_pattern = "exports/{region}/*.parquet"
required_tags = ["region", "energy_source", "measurement_type"]
path_tags = ["region"]
optional_tags = ["quality_flag"]
fields = [{ name = "availability", unit = "%" }]

[rest]
measurement = "other_exports"
key_pattern = "exports/**/rest-*.parquet"
required_tags = []
fields = [{ name = "power_mw", unit = "MW" }]
"""


@pytest.mark.slow  # functions restart with other datasets
def test_an_object_is_loaded_by_its_key_and_one_that_two_patterns_match_is_not(
    app: DeployedApp, tmp_path: Path
) -> None:
    table = long_generation([0.5, 97.5, 0.125], ["ratio", "%", "ratio"])
    region = table.column_names.index("region")
    (declaration := tmp_path / "datasets.toml").write_text(DECLARATION)
    with app.configured(LOADER_DATASETS=str(declaration)):
        app.put("exports/São Paulo/a.parquet", table.drop_columns("region"))
        app.put("exports/N/rest-1.parquet", table.drop_columns("region"))
        loaded = app.wait_for_load("exports/São Paulo/a.parquet")
        ambiguous = app.wait_for_load("exports/N/rest-1.parquet")
    assert loaded.response["data"]["points_written"] == table.num_rows, loaded.response
    assert (ambiguous.status, ambiguous.error) == ("FAILED", "AmbiguousDatasetError")
    assert (
        "'shares' (exports/{region}/*.parquet) and 'rest' (exports/**/rest-*.parquet)" in ambiguous.response["message"]
    )
    percent = table.set_column(region, "region", pa.array(["São Paulo"] * 3))
    percent = percent.set_column(percent.column_names.index("value"), "value", pa.array([50.0, 97.5, 12.5]))
    percent = percent.set_column(percent.column_names.index("unit"), "unit", pa.array(["%"] * 3))
    pq.write_table(percent, tmp_path / "expected.parquet")
    influx, dataset = app.cloud.influx, read_datasets(declaration)["shares"]
    comparison = compare(
        tmp_path / "expected.parquet", dataset, url=influx.url, bucket=influx.bucket, token=influx.token
    )
    assert comparison.equal, comparison.differences
