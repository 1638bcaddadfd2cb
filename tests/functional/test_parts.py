"""Rows of one part of a file that a later part repeats or contradicts, from the conversion to the report."""

import io
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.convert_and_chunk.collisions import find_repeated_points
from shared.errors import CollidingRecordsError, InvalidRecordsError
from shared.work_bucket import collisions_quarantine_key
from tests.functional.conftest import SOURCE, WORK
from tests.support.builders import HOUR, START, generation, parquet
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import finish, hours, key_of, put, stored
from tests.support.slots import declare
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "dataset=generation/year=2024/month=01/a.parquet"
FIELDS = ("power_mw", "efficiency")
Row = tuple[str, int, float | None, float | None]
"""A region, an hour, and the values of both fields."""


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch, server: StoringInflux) -> None:
    monkeypatch.setenv("MAX_COLLISION_RATE", "1")
    monkeypatch.setenv("MAX_BATCH_SIZE", "3")


def start_load(
    s3: "S3Client", context: SimpleNamespace, rows: list[Row], part_rows: int, key: str = KEY
) -> StepwiseLoad:
    """Return the load of a file whose row groups are its parts, as those of a large file are."""
    regions, times, *values = zip(*rows, strict=True)
    fields: dict[str, Any] = {name: pa.array(each, pa.float64()) for name, each in zip(FIELDS, values, strict=True)}
    timestamps = pa.array([START + hour * HOUR for hour in times], pa.timestamp("us", "UTC"))
    table = generation(len(rows), timestamp=timestamps, region=regions, **fields)
    s3.put_object(Bucket=SOURCE, Key=key, Body=parquet(table, row_group_size=part_rows))
    load = StepwiseLoad(s3, context, key)
    [whole] = load.state["file"]["parts"]
    firsts = range(0, len(rows), part_rows)
    load.state["file"]["parts"] = [
        {
            **whole,
            "part": number,
            "first_group": number,
            "end_group": number + 1,
            "first_row": first,
            "rows": min(part_rows, len(rows) - first),
            "file_parts": len(firsts),
        }
        for number, first in enumerate(firsts)
    ]
    return load


def remaining(rows: list[Row], numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compare some rows of a file as conversion compares those of a part, and return which collapse and collide."""
    series = np.array([hash_region(region) for region, *_ in rows], np.int32)
    time = np.array([hour for _, hour, *_ in rows], np.int64)
    fields = [np.array([row[field] for row in rows], float) for field in (2, 3)]
    ordered = numbers[np.lexsort((numbers, time[numbers], series[numbers]))]
    repeated = find_repeated_points(series, time, fields, ordered)
    return repeated.collapsed, repeated.colliding


def hash_region(region: str) -> int:
    return ["N", "SE"].index(region)


def judged(rows: list[Row], part_rows: int) -> tuple[set[int], set[int]]:
    """Return the rows that collapse and those that collide: first within each part, then those that remain."""
    collapsed, colliding = set[int](), set[int]()
    parts = [np.arange(first, min(first + part_rows, len(rows))) for first in range(0, len(rows), part_rows)]
    for compared in (*parts, None):
        lost = collapsed | colliding
        numbers = np.array([row for row in range(len(rows)) if row not in lost]) if compared is None else compared
        repeats, collisions = remaining(rows, numbers)
        collapsed |= set(repeats.tolist())
        colliding |= set(collisions.tolist())
    return collapsed, colliding


def values_of(rows: list[Row], lost: set[int]) -> dict[tuple[str, int, str], float]:
    """Return what InfluxDB must have, in whatever order the other rows are written."""
    return {
        (region, hour, name): value
        for number, (region, hour, *values) in enumerate(rows)
        for name, value in zip(FIELDS, values, strict=True)
        if number not in lost and value is not None
    }


def quarantined(s3: "S3Client", load: StepwiseLoad) -> list[dict[str, Any]]:
    """Return the rows that collide with later parts."""
    rows: list[dict[str, Any]] = []
    for part in load.state["file"]["parts"]:
        key = collisions_quarantine_key("generation", load.state["file"]["load_id"], "run-1", part["part"])
        if "Contents" in s3.list_objects_v2(Bucket=WORK, Prefix=key):
            rows += pq.read_table(io.BytesIO(s3.get_object(Bucket=WORK, Key=key)["Body"].read())).to_pylist()
    return rows


@pytest.mark.parametrize("revision", ["processing_metadata_processed_at", None])
@pytest.mark.parametrize("repeats", [False, True])
def test_the_last_row_of_the_file_stands(
    s3: "S3Client",
    context: SimpleNamespace,
    server: StoringInflux,
    monkeypatch: pytest.MonkeyPatch,
    *,
    revision: str | None,
    repeats: bool,
) -> None:
    declare(monkeypatch, revision=revision)
    rows: list[Row] = [("SE", 0, 1.0, None), ("SE", 1, 1.0, 5.0), ("N", 0, 1.0, None), ("SE", 2, 7.0, None)]
    rows += [("SE", 1, 1.0, 5.0), ("SE", 0, 2.0, None), ("SE", 3, 1.0, None), ("SE", 2, None, 4.0)]
    load = start_load(s3, context, rows, part_rows=4)
    load.repeats = repeats
    finish(load)
    statistics = load.data["conversion_stats"]
    assert (statistics["output_points"], statistics["collapsed_rows"]) == (6, 1)
    assert statistics["set_aside_rows"] == {"collision": 1}
    assert (load.data["verdict"], load.data["points"]["stored"]) == ("partly loaded", 6)
    assert stored(server) == values_of(rows, lost={0, 1})
    [row] = quarantined(s3, load)
    assert row["timestamp"].startswith("2024-01-01 00:00:00")
    assert (row["source_row"], row["region"], row["power_mw"], row["efficiency"]) == (0, "SE", 1.0, None)
    assert (row["rule"], row["reason"]) == ("collision", "a later row has the same series and time but another value")


def random_rows(chance: np.random.Generator) -> list[Row]:
    """Return rows of few points and values, so that most of them repeat or contradict others."""
    rows: list[Row] = []
    values = [None, 0.0, -0.0, 1.5, 2.5]
    for _ in range(int(chance.integers(4, 40))):
        power, efficiency = (values[number] for number in chance.integers(0, len(values), 2))
        power = 3.5 if power is None and efficiency is None else power
        rows.append((str(chance.choice(["SE", "N"])), int(chance.integers(0, 8)), power, efficiency))
    return rows


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 30))])
def test_random_rows_end_as_if_the_file_had_one_part(
    s3: "S3Client", context: SimpleNamespace, server: StoringInflux, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    rows, part_rows = random_rows(chance), int(chance.integers(3, 12))
    load = start_load(s3, context, rows, part_rows)
    load.repeats = bool(chance.random() < 0.3)
    finish(load)
    collapsed, colliding = judged(rows, part_rows)
    statistics = load.data["conversion_stats"]
    assert statistics["collapsed_rows"] == len(collapsed)
    assert statistics["set_aside_rows"] == ({"collision": len(colliding)} if colliding else {})
    assert statistics["output_points"] == len(rows) - len(collapsed) - len(colliding) == load.data["points_written"]
    assert stored(server) == values_of(rows, collapsed | colliding)
    in_parts = {
        first + row
        for first in range(0, len(rows), part_rows)
        for row in judged(rows[first : first + part_rows], part_rows)[1]
    }
    assert {row["source_row"] for row in quarantined(s3, load)} == colliding - in_parts


def test_an_older_file_keeps_the_values_that_only_a_row_without_a_place_has(
    s3: "S3Client", context: SimpleNamespace, server: StoringInflux
) -> None:
    older = key_of(0, 1)
    put(s3, older, hours("SE", 0, 2, 7.0) | hours("SE", 0, 2, 7.0, "efficiency"))
    rows: list[Row] = [("SE", 0, 1.0, 1.0), ("SE", 1, 1.0, 1.0), ("SE", 0, 2.0, None), ("SE", 2, 2.0, None)]
    newer = start_load(s3, context, rows, part_rows=2, key=key_of(1, 2))
    newer.repeats = True
    finish(newer, StepwiseLoad(s3, context, older, "run-2"))
    assert stored(server) == values_of(rows, {0}) | {("SE", 0, "efficiency"): 7.0}


def settle(s3: "S3Client", context: SimpleNamespace, collisions: int = 2, rows: int = 20) -> StepwiseLoad:
    """Return a load after the conversion of two parts, of which the second contradicts some rows of the first."""
    numbers = [*range(rows - collisions), *range(collisions)]
    load = start_load(s3, context, [("SE", hour, float(row), None) for row, hour in enumerate(numbers)], rows // 2)
    next(step for step in load.run() if step == "RegisterLoad")
    return load


def test_collisions_are_judged_on_the_whole_file(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_COLLISION_RATE", "0.1")
    settle(s3, context, collisions=2).register()
    load = settle(s3, context, collisions=3)
    for _ in range(2):  # a retry judges the same rows
        with pytest.raises(CollidingRecordsError, match=r"^3 of 20 rows have the series and time of a later row but"):
            load.register()
    failure = json.loads(load.fail("CollidingRecordsError")["cause"])
    assert failure["data"]["conversion_stats"]["set_aside_rows"] == {"collision": 3}
    assert failure["data"]["points"]["not_sent"] == 17


def test_rows_set_aside_are_judged_on_the_whole_file(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_SET_ASIDE_RATE", "0.1")
    settle(s3, context, collisions=2).register()
    message = r"3 of 20 rows would be set aside .*: 3 collision .* row 0: timestamp=2024-01-01 00:00:00.*region=SE"
    with pytest.raises(InvalidRecordsError, match=message):
        settle(s3, context, collisions=3).register()


def test_a_collision_fails_the_load_if_invalid_records_are_not_dropped(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DROP_INVALID_RECORDS", "false")
    settle(s3, context, collisions=0).register()
    with pytest.raises(InvalidRecordsError, match="1 row collides with a later part of the file"):
        settle(s3, context, collisions=1).register()


def test_parts_without_a_common_point_are_left_as_they_are(s3: "S3Client", context: SimpleNamespace) -> None:
    load = settle(s3, context, collisions=0)
    assert load.register()["chunks"] == load.state["converted"]["chunks"]
