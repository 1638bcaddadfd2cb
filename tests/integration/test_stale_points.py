"""A rewritten file leaves points behind: the difference between the engine and the current files is what is listed."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from local.expected_points import expected_points
from local.readback import stored_points
from shared.datasets import DATASETS
from tests.support.builders import generation, parquet
from tests.support.commands import run_loader
from tests.support.deployed_app import DeployedApp, unique_records

DATASET = DATASETS["generation"]


class Value(NamedTuple):
    """One value in InfluxDB: the series, as `loader stale` names it, the time in ns, the field, and the value."""

    series: str
    time: int
    field: str
    value: float


def rows(start: Any, region: str, hours: list[int], **columns: Any) -> pa.Table:
    """Return rows of one region; `columns` are constants, and None leaves a value out."""
    values = {"plant_name": None, "power_mw": 1.0, "efficiency": None} | columns
    types = {"plant_name": pa.string(), "power_mw": pa.float64(), "efficiency": pa.float64()}
    times = pa.array([start.as_py() + pd.Timedelta(hours=hour) for hour in hours], pa.timestamp("us", "UTC"))
    constants = {name: pa.array([value] * len(hours), types[name]) for name, value in values.items()}
    return generation(len(hours), timestamp=times, region=[region] * len(hours), **constants)


def values_of(points: pd.DataFrame) -> set[Value]:
    values = set()
    for row in points.to_dict("records"):
        tags = ",".join(f"{tag}={row[tag]}" for tag in sorted(DATASET.tags) if row[tag])
        series = f"{DATASET.measurement},{tags}"
        values |= {
            Value(series, row["time"], name, row[name]) for name in DATASET.field_names if not pd.isna(row[name])
        }
    return values


def points_of(folder: Path, table: pa.Table) -> pd.DataFrame:
    """Return the points that a file should become."""
    path = folder / "file.parquet"
    path.write_bytes(parquet(table))
    return expected_points(path, DATASET)


@pytest.mark.slow  # the test of a deletion checks the listing too, with fewer kinds of series
def test_what_the_engine_has_beyond_the_current_files_is_listed(app: DeployedApp, tmp_path: Path) -> None:
    key, other = (f"dataset=generation/{tmp_path.name}/{name}.parquet" for name in ("a", "b"))
    start = pc.min(unique_records(tmp_path, "generation", 10)["timestamp"])
    former = pa.concat_tables(
        [
            rows(start, "rows-gone", [0, 1, 2, 3]),
            rows(start, "renamed", [0, 1], plant_name="old"),
            rows(start, "tag-added", [0, 1]),
            rows(start, "tag-removed", [0, 1], plant_name="p"),
            rows(start, "field-gone", [0, 1], efficiency=0.5),
            rows(start, "shared", [0, 1]),
        ]
    )
    shared = rows(start, "shared", [1], power_mw=2.0)
    current = pa.concat_tables(
        [
            rows(start, "rows-gone", [0, 3], power_mw=3.0),
            rows(start, "renamed", [0, 1], plant_name="new"),
            rows(start, "tag-added", [0, 1], plant_name="p"),
            rows(start, "tag-removed", [0, 1]),
            rows(start, "field-gone", [0, 1]),
        ]
    )
    for name, table in ((key, former), (other, shared), (key, current)):
        load = app.load(name, table)
        assert load.status == "SUCCEEDED", load.response
    stored = stored_points(
        DATASET,
        points_of(tmp_path, former),
        url=app.cloud.influx.url,
        bucket=app.cloud.influx.bucket,
        token=app.cloud.influx.token,
    )
    stale = values_of(stored) - values_of(points_of(tmp_path, current)) - values_of(points_of(tmp_path, shared))
    expected = {(value.series, value.time) for value in stale}
    assert load.response["data"]["stale"]["points"] == len(expected) == 11
    [listed] = [each for each in run_loader(app, "stale", key, "--json").json if each["points"]]
    assert listed["points"] == len(expected)
    spans = {
        each["series"]: (each["points"], pd.Timestamp(each["first_time"]).value, pd.Timestamp(each["last_time"]).value)
        for each in listed["series"]
    }
    assert spans == {
        series: (len(times := [time for name, time in expected if name == series]), min(times), max(times))
        for series in {series for series, _ in expected}
    }
    verified = run_loader(app, "verify", load.response["data"]["load_id"])
    assert (verified.status, verified.out.splitlines()[-1]) == (1, f"equal, but 11 stale points: `loader stale {key}`")
