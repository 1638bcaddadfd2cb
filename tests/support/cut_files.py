"""Files that are cut into parts, as those of more than 2 million rows are, and what must become of their rows."""

import io
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from functions.convert_and_chunk.collisions import find_repeated_points
from shared.load_totals import Outcomes
from shared.outcomes import read_outcomes
from tests.functional.conftest import SOURCE, WORK
from tests.support.builders import HOUR, START, generation, parquet
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "dataset=generation/year=2024/month=01/a.parquet"
FIELDS = ("power_mw", "efficiency")
REGIONS = ["N", "SE"]
Row = tuple[str, int, float | None, float | None]
"""A region, an hour, and the values of both fields."""


def table_of(rows: list[Row]) -> pa.Table:
    """Return the rows as a table, with a column `note` that the dataset does not declare."""
    regions, times, *values = zip(*rows, strict=True)
    columns: dict[str, Any] = {name: pa.array(each, pa.float64()) for name, each in zip(FIELDS, values, strict=True)}
    timestamps = pa.array([START + hour * HOUR for hour in times], pa.timestamp("us", "UTC"))
    notes = [f"row {number}" for number in range(len(rows))]
    return generation(len(rows), timestamp=timestamps, region=regions, note=notes, **columns)


def cut(whole: dict[str, Any], rows: int, part_rows: int) -> list[dict[str, Any]]:
    """Return the plan of parts of so many rows, each with one row group, instead of the one of the whole file."""
    firsts = range(0, rows, part_rows)
    return [
        {
            **whole,
            "part": number,
            "first_group": number,
            "end_group": number + 1,
            "first_row": first,
            "rows": min(part_rows, rows - first),
            "file_parts": len(firsts),
        }
        for number, first in enumerate(firsts)
    ]


def start_load(
    s3: "S3Client", context: SimpleNamespace, rows: list[Row], part_rows: int, *, key: str = KEY, run: str = "run-1"
) -> StepwiseLoad:
    """Return the load of a file whose row groups are its parts."""
    s3.put_object(Bucket=SOURCE, Key=key, Body=parquet(table_of(rows), row_group_size=part_rows))
    load = StepwiseLoad(s3, context, key, run)
    [whole] = load.state["file"]["parts"]
    load.state["file"]["parts"] = cut(whole, len(rows), part_rows)
    return load


def judged(rows: list[Row], part_rows: int) -> tuple[set[int], set[int]]:
    """Return the rows that collapse and those that collide: first within each part, then those that remain."""
    collapsed, colliding = set[int](), set[int]()
    parts = [np.arange(first, min(first + part_rows, len(rows))) for first in range(0, len(rows), part_rows)]
    for compared in (*parts, None):
        lost = collapsed | colliding
        numbers = np.array([row for row in range(len(rows)) if row not in lost]) if compared is None else compared
        repeats, collisions = _compare(rows, numbers)
        collapsed |= set(repeats.tolist())
        colliding |= set(collisions.tolist())
    return collapsed, colliding


def _compare(rows: list[Row], numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compare some rows of a file as conversion compares those of a part, and return which collapse and collide."""
    series = np.array([REGIONS.index(region) for region, *_ in rows], np.int32)
    time = np.array([hour for _, hour, *_ in rows], np.int64)
    fields = [np.array([row[field] for row in rows], float) for field in (2, 3)]
    ordered = numbers[np.lexsort((numbers, time[numbers], series[numbers]))]
    repeated = find_repeated_points(series, time, fields, ordered)
    return repeated.collapsed, repeated.colliding


def values_of(rows: list[Row], lost: set[int]) -> dict[tuple[str, int, str], float]:
    """Return what InfluxDB must have, in whatever order the other rows are written."""
    return {
        (region, hour, name): value
        for number, (region, hour, *values) in enumerate(rows)
        for name, value in zip(FIELDS, values, strict=True)
        if number not in lost and value is not None
    }


def quarantined(s3: "S3Client", load: StepwiseLoad) -> pa.Table:
    """Return all rows in the quarantine of a load, which is one folder of files with the same columns."""
    prefix = f"quarantine/generation/{load.state['file']['load_id']}/{load.state['execution']['name']}/rows-"
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=WORK, Prefix=prefix).get("Contents", [])]
    files = [io.BytesIO(s3.get_object(Bucket=WORK, Key=key)["Body"].read()) for key in keys]
    return pa.concat_tables(map(pq.read_table, files)) if files else pa.table({"source_row": pa.array([], pa.int64())})


def outcomes(s3: "S3Client", load: StepwiseLoad) -> Outcomes:
    """Return the outcomes of a load's parts and chunks."""
    return read_outcomes(s3, load.state["file"]["load_id"], load.state["execution"]["name"])


def random_rows(chance: np.random.Generator) -> list[Row]:
    """Return rows of few points and values, so that most of them repeat or contradict others."""
    rows: list[Row] = []
    values = [None, 0.0, -0.0, 1.5, 2.5]
    for _ in range(int(chance.integers(4, 40))):
        power, efficiency = (values[number] for number in chance.integers(0, len(values), 2))
        power = 3.5 if power is None and efficiency is None else power
        rows.append((str(chance.choice(REGIONS)), int(chance.integers(0, 8)) * 11, power, efficiency))
    return rows
