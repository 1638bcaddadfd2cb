"""Rows of one part of a file that a later part repeats or contradicts, from the conversion to the report."""

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from functions.report_load.bins import merge_bins
from shared.calendars import Count, add, decode
from shared.errors import CollidingRecordsError, InvalidRecordsError
from shared.footprints import read_footprint
from shared.profiles import Bin
from shared.work_bucket import footprint_key
from tests.functional.conftest import WORK
from tests.support.cut_files import (
    FIELDS,
    Row,
    judged,
    outcomes,
    quarantined,
    random_rows,
    start_load,
    table_of,
    values_of,
)
from tests.support.finished_load import StoringInflux
from tests.support.revised_files import finish, hours, key_of, put, stored
from tests.support.slots import declare
from tests.support.stepwise_load import StepwiseLoad

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch, server: StoringInflux) -> None:
    monkeypatch.setenv("MAX_COLLISION_RATE", "1")
    monkeypatch.setenv("MAX_BATCH_SIZE", "3")


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
    reason = "a later row has the same series and time but another value"
    [row] = quarantined(s3, load).to_pylist()
    assert row == {**table_of(rows).to_pylist()[0], "source_row": 0, "rule": "collision", "reason": reason}
    [reported] = outcomes(s3, load).reasons
    assert (reported["rule"], reported["rows"], reported["samples"][0]["record"]["note"]) == ("collision", 1, "row 0")


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 30))])
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
    table = quarantined(s3, load)
    assert table["source_row"].to_pylist() == sorted(colliding)
    originals = table_of(rows).take(pa.array(sorted(colliding), pa.int64())).to_pylist()
    assert [{name: row[name] for name in originals[0]} for row in table.to_pylist()] == originals
    remaining = [row for number, row in enumerate(rows) if number not in collapsed | colliding]
    whole = start_load(s3, context, remaining, len(remaining), key=key_of(1, 0), run="run-2")
    finish(whole)
    width = max(bin_width(s3, each) for each in (load, whole))
    assert facts(s3, load, width) == facts(s3, whole, width)


def bin_width(s3: "S3Client", load: StepwiseLoad) -> int:
    """Return the width in ns of the widest bins of a load's parts. The bins of a short part are narrower."""
    return max(part["profile"]["bucket_ns"] for part in outcomes(s3, load).parts if part["profile"])


def facts(s3: "S3Client", load: StepwiseLoad, width: int) -> Any:
    """Return what is stored about the points of a load, with bins of `width` ns, whatever number of parts it has.

    The parts of a calendar do not know whether they have a series in common, so its counts of series are left out.
    """
    result = outcomes(s3, load)
    calendar = add(decode(part.get("calendar", [])) for part in result.parts)
    profiles = [part["profile"] for part in result.parts if part["profile"]]
    binned = {name: [(part["bucket_ns"], part["fields"].get(name, [])) for part in profiles] for name in FIELDS}
    bins = {name: rounded(merge_bins(parts, width)) for name, parts in binned.items()}
    points = {day: (count.points, count.points_digest) for day, count in calendar.items()}
    return points, result.span, result.out_of_bounds, lines(s3, load), bins


def rounded(bins: list[Bin]) -> list[Bin]:
    """Return bins whose means do not depend on the order of the additions."""
    return [bin_._replace(mean=round(bin_.mean, 9)) for bin_ in bins]


def lines(s3: "S3Client", load: StepwiseLoad) -> list[tuple[str, int, int]]:
    """Return the lines in the footprints of a load."""
    result, file = list[tuple[str, int, int]](), load.state["file"]
    for part in file["parts"]:
        key = footprint_key("generation", file["load_id"], load.state["execution"]["name"], part["part"])
        footprint = read_footprint(s3.get_object(Bucket=WORK, Key=key)["Body"].read())
        numbers, time, fields = (column.tolist() for column in footprint.points)
        result += zip([footprint.series[number] for number in numbers], time, fields, strict=True)
    return sorted(result)


def test_the_calendar_in_the_ledger_has_only_what_was_sent(s3: "S3Client", context: SimpleNamespace) -> None:
    rows: list[Row] = [("SE", 0, 1.0, None), ("N", 30, 1.0, None), ("SE", 0, 2.0, None), ("N", 60, 1.0, None)]
    load = start_load(s3, context, rows, part_rows=2)
    finish(load)
    days = {day: Count(*count).points for day, _, *count in json.loads(load.data["footprint"]["calendar"])}
    assert days == {"2024-01-01": 1, "2024-01-02": 1, "2024-01-03": 1}


def test_a_comparison_that_needs_several_invocations_finds_the_same_rows(
    s3: "S3Client", context: SimpleNamespace, server: StoringInflux
) -> None:
    rows: list[Row] = [("SE", number % 5, float(number), None) for number in range(20)]
    load = start_load(s3, context, rows, part_rows=4)
    load.is_hurried = True
    finish(load)
    assert load.continuations == 4  # of the 5 parts, the last one is not compared with a later one
    assert quarantined(s3, load)["source_row"].to_pylist() == list(range(15))
    assert stored(server) == values_of(rows, set(range(15)))


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


def compare(
    s3: "S3Client", context: SimpleNamespace, collisions: int = 2, rows: int = 20, until: str = "RegisterLoad"
) -> StepwiseLoad:
    """Return a load of two parts, of which the second contradicts some rows of the first, before a state."""
    numbers = [*range(rows - collisions), *range(collisions)]
    load = start_load(s3, context, [("SE", hour, float(row), None) for row, hour in enumerate(numbers)], rows // 2)
    next(step for step in load.run() if step == until)
    return load


def test_collisions_are_judged_on_the_whole_file(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_COLLISION_RATE", "0.1")
    compare(s3, context, collisions=2).register()
    load = compare(s3, context, collisions=3)
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
    compare(s3, context, collisions=2).register()
    message = r"3 of 20 rows would be set aside .*: 3 collision .* row 0: timestamp=2024-01-01 00:00:00.*region=SE"
    with pytest.raises(InvalidRecordsError, match=message):
        compare(s3, context, collisions=3).register()


def test_a_collision_fails_the_load_if_invalid_records_are_not_dropped(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DROP_INVALID_RECORDS", "false")
    compare(s3, context, collisions=0).register()
    with pytest.raises(InvalidRecordsError, match="1 collision; row 0: a later row has the same series and time"):
        compare(s3, context, collisions=1)


def test_parts_without_a_common_point_are_not_converted_again(s3: "S3Client", context: SimpleNamespace) -> None:
    load = start_load(s3, context, [("SE", hour, 1.0, None) for hour in range(20)], part_rows=10)
    states = list(load.run())
    assert states.count("ConvertAndChunk") == 2
    assert "ConvertAgain" not in states
    assert load.data["points_written"] == 20
