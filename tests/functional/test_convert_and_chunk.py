"""ConvertAndChunk on S3: what a part leaves in the work bucket, what fails it, that repeating it changes nothing."""

import gzip
import io
import json
import logging
from datetime import UTC, datetime
from threading import Event, Timer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.convert_and_chunk.handler import lambda_handler
from functions.convert_and_chunk.staging import WorkBucketStaging
from shared.aws_clients import s3_client
from shared.errors import (
    CollidingRecordsError,
    CorruptParquetError,
    InvalidRecordsError,
    SchemaMismatchError,
    SourceChangedError,
    SourceNotFoundError,
    TooManySeriesError,
)
from shared.events import ConvertedPart, Part, PartRef
from shared.footprints import read_footprint
from shared.logs import logger
from shared.packed_batches import join_batches, pack
from shared.stored import PartOutcome
from shared.work_bucket import (
    chunk_key,
    footprint_key,
    get_json,
    manifest_key,
    outcome_key,
    rows_quarantine_key,
    series_key,
)
from tests.functional.conftest import SOURCE, WORK
from tests.support.builders import generation, long_generation, parquet
from tests.support.conversion import whole_part

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "dataset=generation/year=2024/at=2024-01-02 03:04:05.678901/x+y ção.parquet"
LOAD = ("0123456789abcdef", "run-1")


def put_source(s3: "S3Client", table: pa.Table | bytes, *, part: Part | None = None, **options: Any) -> PartRef:
    """Put a file, and return ConvertAndChunk's input for the whole file or one part."""
    content = table if isinstance(table, bytes) else parquet(table, **options)
    put = s3.put_object(Bucket=SOURCE, Key=KEY, Body=content)
    return {
        "execution": LOAD[1],
        "file": {
            "load_id": LOAD[0],
            "bucket": SOURCE,
            "key": KEY,
            "version_id": put["VersionId"],
            "etag": put["ETag"],
            "size": len(content),
            "dataset": "generation",
            "layout": "wide",
        },
        "part": part or whole_part(content),
    }


def convert(event: PartRef, context: SimpleNamespace) -> ConvertedPart:
    return lambda_handler(event, context)  # type: ignore[arg-type]


def body(s3: "S3Client", key: str) -> bytes:
    return s3.get_object(Bucket=WORK, Key=key)["Body"].read()


def everything(s3: "S3Client") -> dict[str, bytes]:
    """All objects of the work bucket; of outcomes all but when it was and how long it took."""
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=WORK).get("Contents", [])]
    objects = {key: body(s3, key) for key in keys}
    return {
        key: json.dumps(json.loads(content) | {"seconds": 0, "started_at": ""}).encode()
        if "/outcomes/" in key
        else content
        for key, content in objects.items()
    }


def outcome(s3: "S3Client", part: int = 0) -> PartOutcome:
    return get_json(s3, outcome_key(*LOAD, f"{part:04}"))  # type: ignore[return-value]


def lines(s3: "S3Client", converted: ConvertedPart) -> list[str]:
    chunks = [gzip.decompress(body(s3, chunk_key(*LOAD, chunk["chunk"]))) for chunk in converted["chunks"]]
    return b"".join(chunks).decode().splitlines()


def quarantine(s3: "S3Client", part: int = 0) -> pa.Table:
    return pq.read_table(io.BytesIO(body(s3, rows_quarantine_key("generation", *LOAD, part))))


def test_1500_rows_are_1500_points_in_2_batches(s3: "S3Client", context: SimpleNamespace) -> None:
    converted = convert(put_source(s3, generation(1500)), context)
    assert (converted["part"], converted["rows"], converted["points"]) == (0, 1500, 1500)
    [chunk] = converted["chunks"]
    assert (chunk["chunk"], chunk["points"]) == ("0000-0000", 1500)
    manifest = get_json(s3, manifest_key(*LOAD, "0000-0000"))
    assert [batch["points"] for batch in manifest["batches"]] == [1000, 500]
    assert [batch["rows"] for batch in manifest["batches"]] == [[[0, 1000]], [[1000, 500]]]
    assert len(lines(s3, converted)) == 1500


@pytest.mark.parametrize("failed", [0, 1])
def test_a_part_fails_without_an_outcome_if_one_of_its_chunks_cannot_be_stored(
    s3: "S3Client", context: SimpleNamespace, failed: int
) -> None:
    """Also the last one, which is uploaded when all rows are converted."""
    event, is_full, stored = put_source(s3, generation(300_000)), True, list[str]()
    event["part"]["file_parts"] = 1

    def refuse(params: dict[str, Any], **_: object) -> None:
        key = params["url_path"]
        if is_full and f"0000-000{failed}" in key:
            raise ConnectionError("no room")
        stored.append(key)

    s3_client().meta.events.register("before-call.s3.PutObject", refuse)
    with pytest.raises(ConnectionError, match="no room"):
        convert(event, context)
    assert not [key for key in everything(s3) if "/outcomes/" in key]
    is_full = False
    converted = convert(event, context)
    assert [chunk["chunk"] for chunk in converted["chunks"]] == ["0000-0000", "0000-0001"]
    assert len(lines(s3, converted)) == 300_000
    assert "/outcomes/" in stored[-1]
    assert outcome(s3)["points"] == 300_000


def test_a_chunk_is_uploaded_while_the_next_one_is_made_and_to_its_end_if_that_fails(s3: "S3Client") -> None:
    event, may_go_on = put_source(s3, generation(1)), Event()

    def wait(**_: object) -> None:
        assert may_go_on.wait(10), "the next chunk is not made meanwhile"

    def stage_and_fail() -> None:
        with WorkBucketStaging(s3, event) as staging:
            staging.put_chunk("0000-0000", join_batches([pack(b"m a=1 1\n", np.arange(1))]))
            Timer(0.1, may_go_on.set).start()
            raise CorruptParquetError("the next chunk")

    s3.meta.events.register("before-call.s3.PutObject", wait)
    with pytest.raises(CorruptParquetError):
        stage_and_fail()
    assert {chunk_key(*LOAD, "0000-0000"), manifest_key(*LOAD, "0000-0000")} == everything(s3).keys()


def test_max_batch_size_is_a_setting(s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_BATCH_SIZE", "400")
    convert(put_source(s3, generation(1500)), context)
    manifest = get_json(s3, manifest_key(*LOAD, "0000-0000"))
    assert [batch["points"] for batch in manifest["batches"]] == [400, 400, 400, 300]


def test_debug_lines_show_the_converted_records(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    logger.setLevel(logging.DEBUG)
    request.addfinalizer(lambda: logger.setLevel(logging.INFO))
    converted = convert(put_source(s3, generation(20)), context)
    line = next(line for line in map(json.loads, written.getvalue().splitlines()) if line["message"] == "converted")
    assert line["converted"] == converted
    assert line["reads"] > 0


def test_a_part_of_several_stores_its_series(s3: "S3Client", context: SimpleNamespace) -> None:
    event = put_source(s3, generation(4, region=["N", "S", "N", "São Paulo"]))
    convert(event, context)
    assert not [key for key in everything(s3) if "/series/" in key]
    event["part"]["file_parts"] = 2
    convert(event, context)
    keys = gzip.decompress(everything(s3)[series_key(*LOAD, 0)]).decode().splitlines()
    tags = "energy_source=hydro,measurement_type=verified,region="
    assert keys == [f"generation_data,{tags}{region} " for region in ("N", "S", "São\\ Paulo")]


@pytest.mark.parametrize("file_parts", [1, 2])
def test_too_many_series_fail_a_part_before_a_chunk_is_staged(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, file_parts: int
) -> None:
    event = put_source(s3, generation(9, plant_name=[str(row % 3) for row in range(9)]))
    event["part"]["file_parts"] = file_parts
    monkeypatch.setenv("MAX_SERIES", "2")
    with pytest.raises(TooManySeriesError, match="the tag 'plant_name' has the most values, 3"):
        convert(event, context)
    assert everything(s3) == {}
    monkeypatch.setenv("MAX_SERIES", "3")
    assert convert(event, context)["points"] == 9


def test_the_only_part_of_a_file_fails_if_too_many_rows_are_set_aside(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = put_source(s3, generation(10, region=[None] * 2 + ["N"] * 8))
    monkeypatch.setenv("MAX_SET_ASIDE_RATE", "0.1")
    event["part"]["file_parts"] = 1
    with pytest.raises(InvalidRecordsError, match=r"2 of 10 rows would be set aside \(MAX_SET_ASIDE_RATE is 0.1\): 2 "):
        convert(event, context)
    assert outcome(s3)["set_aside"] == {"missing_tag": 2}
    monkeypatch.setenv("MAX_SET_ASIDE_RATE", "0.2")
    assert convert(event, context)["points"] == 8


@pytest.mark.parametrize("file_parts", [2, None], ids=["one of several", "planned by an earlier release"])
def test_other_parts_leave_the_set_aside_rows_to_the_check_of_the_whole_file(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, file_parts: int | None
) -> None:
    event = put_source(s3, generation(10, region=[None] * 9 + ["N"]))
    monkeypatch.setenv("MAX_SET_ASIDE_RATE", "0.1")
    if file_parts:
        event["part"]["file_parts"] = file_parts
    assert convert(event, context)["points"] == 1


def test_times_are_plausible_up_to_ten_years_after_the_object_was_modified(
    s3: "S3Client", context: SimpleNamespace
) -> None:
    years = [datetime(year, 1, 1, tzinfo=UTC) for year in (1989, 1990, 2024, 2034, 2035)]
    event = put_source(s3, generation(5, timestamp=pa.array(years, pa.timestamp("us"))))
    event["part"]["last_modified"] = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
    convert(event, context)
    part = outcome(s3)
    assert (part["points"], part["set_aside"], part["local_times"]) == (3, {"implausible_time": 2}, True)
    [reason] = part["reasons"]
    assert reason["reason"] == "timestamp is not between 1990-01-01 00:00 and 2034-01-01 00:00"
    assert [sample["source_row"] for sample in reason["samples"]] == [0, 4]


def test_a_large_part_becomes_several_chunks(s3: "S3Client", context: SimpleNamespace) -> None:
    event = put_source(s3, generation(310_500))
    event["part"]["file_parts"] = 1
    converted = convert(event, context)
    assert [chunk["points"] for chunk in converted["chunks"]] == [156_000, 154_500]
    assert [chunk["chunk"] for chunk in converted["chunks"]] == ["0000-0000", "0000-0001"]
    assert outcome(s3)["chunks"] == converted["chunks"]


def test_the_outcome_accounts_for_every_row(s3: "S3Client", context: SimpleNamespace) -> None:
    table = generation(
        6,
        region=["N", "N", "N", "N", "", "N"],
        timestamp=pa.array([0, 0, 1, 2, 3, None], pa.timestamp("s")),
        power_mw=[1.0, 1.0, float("inf"), -5.0, 1.0, 1.0],
        note=["x"] * 6,
    )
    convert(put_source(s3, table), context)
    result = outcome(s3)
    assert (result["rows"], result["points"], result["collapsed"], result["batches"]) == (6, 2, 1, 1)
    assert result["set_aside"] == {"missing_tag": 1, "no_field": 1, "no_timestamp": 1}
    assert (result["fields_left_out"], result["out_of_bounds"]) == ({"power_mw": 1}, {"power_mw": 1})
    assert (result["ignored_columns"], result["collision_columns"]) == (["note"], [])
    assert result["body_bytes"] == len("\n".join(lines(s3, convert(put_source(s3, table), context)))) + 1


def test_the_outcome_has_the_values_of_tags_and_the_course_of_groups(s3: "S3Client", context: SimpleNamespace) -> None:
    table = generation(4, region=["N", "S", "N", ""], quality_flag=["good", None, "good", "bad"])
    convert(put_source(s3, table), context)
    result = outcome(s3)
    assert result["tag_values"]["region"] == {"count": 2, "names": ["N", "S"]}
    assert result["tag_values"]["quality_flag"] == {"count": 1, "names": ["good"]}
    assert result["profile"]
    groups = result["profile"]["groups"]
    assert groups["tag"] == "region"
    values = {name: [bin_[3] for bin_ in bins] for name, bins in groups["fields"]["power_mw"].items()}
    assert values == {"N": [0.0, 2.0], "S": [1.0]}


def test_rows_set_aside_are_stored_as_they_stood_in_the_file(s3: "S3Client", context: SimpleNamespace) -> None:
    table = generation(4, region=["N", "a\nb", "S", None], note=["p", "q", "r", "s"], rule=[1, 2, 3, 4])
    convert(put_source(s3, table, row_group_size=1), context)
    result = quarantine(s3)
    assert result.column_names == [
        "timestamp", "region", "energy_source", "measurement_type", "power_mw", "note", "rule_of_file",
        "source_row", "rule", "reason",
    ]  # fmt: skip
    rows = result.select(["region", "note", "rule_of_file", "source_row", "rule"]).to_pylist()
    assert [list(row.values()) for row in rows] == [
        ["a\nb", "q", 2, 1, "unusable_tag"],
        [None, "s", 4, 3, "missing_tag"],
    ]


def test_rows_with_text_that_is_no_utf_8_are_stored_and_shown(s3: "S3Client", context: SimpleNamespace) -> None:
    table = generation(2, region=pa.array([b"S\xc3", b"N"], pa.binary()), note=pa.array([b"\xff", None], pa.binary()))
    convert(put_source(s3, table), context)
    [reason] = outcome(s3)["reasons"]
    assert (reason["rule"], reason["samples"][0]["record"]["region"]) == ("unusable_tag", r"S\xc3")
    assert quarantine(s3).column("source_row").to_pylist() == [0]


def test_a_file_without_bad_rows_leaves_no_quarantine(s3: "S3Client", context: SimpleNamespace) -> None:
    convert(put_source(s3, generation(3)), context)
    assert not [key for key in everything(s3) if key.startswith("quarantine/")]


def test_rows_are_numbered_over_the_file_not_over_the_part(s3: "S3Client", context: SimpleNamespace) -> None:
    content = parquet(generation(30, region=["N"] * 25 + [""] + ["N"] * 4), row_group_size=10)
    part: Part = {"part": 2, "first_group": 2, "end_group": 3, "first_row": 20, "rows": 10}
    converted = convert(put_source(s3, content, part=part), context)
    [chunk] = converted["chunks"]
    assert (chunk["chunk"], converted["points"]) == ("0002-0000", 9)
    manifest = get_json(s3, manifest_key(*LOAD, "0002-0000"))
    assert manifest["batches"][0]["rows"] == [[20, 5], [26, 4]]
    assert quarantine(s3, 2).column("source_row").to_pylist() == [25]


def test_the_parts_of_a_row_group_add_up_to_the_whole(s3: "S3Client", context: SimpleNamespace) -> None:
    content = parquet(generation(30), row_group_size=30)
    every = lines(s3, convert(put_source(s3, content), context))
    result: list[str] = []
    for number, first in enumerate((0, 13)):
        rows = (13, 17)[number]
        part: Part = {"part": number, "first_group": 0, "end_group": 1, "first_row": first, "rows": rows}
        result += lines(s3, convert(put_source(s3, content, part=part), context))
    assert result == every


def test_a_part_repeated_leaves_the_same_bytes(s3: "S3Client", context: SimpleNamespace) -> None:
    noise = np.random.default_rng(7).normal(size=3000)
    table = generation(3000, power_mw=noise, region=[f"R{row % 50}" if row % 41 else None for row in range(3000)])
    event = put_source(s3, table, row_group_size=700)
    convert(event, context)
    first = everything(s3)
    convert(event, context)
    assert everything(s3) == first


def test_the_long_layout_is_converted(s3: "S3Client", context: SimpleNamespace) -> None:
    converted = convert(put_source(s3, long_generation([1.5, 2.0], ["MW", "furlong"])), context)
    assert converted["points"] == 1
    assert outcome(s3)["set_aside"] == {"unknown_unit": 1}


def test_one_invalid_record_fails_the_part_where_none_may_be_dropped(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DROP_INVALID_RECORDS", "false")
    event = put_source(s3, generation(3, region=["N", "", "a\tb"]))
    with pytest.raises(InvalidRecordsError, match="1 missing_tag, 1 unusable_tag; row 1: region is empty; row 2"):
        convert(event, context)
    assert all(key.startswith("quarantine/") for key in everything(s3))


def colliding(rows: int, collisions: int) -> pa.Table:
    """Return distinct records, except for the first ones, which collide with the last one."""
    times = [0] * collisions + list(range(1, rows - collisions)) + [0]
    return generation(rows, timestamp=pa.array(times, pa.timestamp("s")), turbine=[f"T{row}" for row in range(rows)])


def test_few_collisions_are_set_aside_and_explained(s3: "S3Client", context: SimpleNamespace) -> None:
    converted = convert(put_source(s3, colliding(100, 5)), context)
    assert converted["points"] == 95
    assert outcome(s3)["set_aside"] == {"collision": 5}
    assert outcome(s3)["collision_columns"] == ["turbine"]
    assert quarantine(s3).column("turbine").to_pylist() == [f"T{row}" for row in range(5)]


def test_many_collisions_fail_the_part_and_name_the_columns(s3: "S3Client", context: SimpleNamespace) -> None:
    with pytest.raises(CollidingRecordsError, match=r"6 of 100 .* first rows 0, 1, 2, 3, 4: declare one of turbine"):
        convert(put_source(s3, colliding(100, 6)), context)
    assert not [key for key in everything(s3) if key.startswith("staging/")]


def test_the_collision_rate_that_fails_a_part_is_a_setting(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAX_COLLISION_RATE", "0.06")
    assert convert(put_source(s3, colliding(100, 6)), context)["points"] == 94


def test_validation_can_be_switched_off(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENABLE_VALIDATION", "false")
    event = put_source(s3, generation(3, region=None, energy_source=["x", "", None]))
    assert convert(event, context)["points"] == 3


def test_another_version_is_never_read(s3: "S3Client", context: SimpleNamespace) -> None:
    event = put_source(s3, generation(3))
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet(generation(5)))
    assert convert(event, context)["points"] == 3


def test_a_file_that_was_replaced_or_deleted_is_told_apart_from_a_damaged_one(
    s3: "S3Client", context: SimpleNamespace
) -> None:
    event = put_source(s3, generation(3))
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet(generation(5)))
    event["file"]["version_id"] = ""
    with pytest.raises(SourceChangedError):
        convert(event, context)
    s3.delete_object(Bucket=SOURCE, Key=KEY)
    with pytest.raises(SourceNotFoundError):
        convert(event, context)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.99])
def test_a_file_cut_off_anywhere_is_damaged(s3: "S3Client", context: SimpleNamespace, share: float) -> None:
    content = parquet(generation(100))
    event = put_source(s3, content[: int(len(content) * share)] or b"P", part=whole_part(content))
    with pytest.raises(CorruptParquetError):
        convert(event, context)


def test_missing_columns_fail_the_conversion_too(s3: "S3Client", context: SimpleNamespace) -> None:
    with pytest.raises(SchemaMismatchError, match="column 'region' is missing"):
        convert(put_source(s3, generation(3, region=None)), context)


def test_a_part_stores_its_footprint(s3: "S3Client", context: SimpleNamespace) -> None:
    convert(put_source(s3, generation(3, region=["SE", "", "N"])), context)
    footprint = read_footprint(body(s3, footprint_key("generation", *LOAD, 0)))
    assert [name.rpartition("region=")[2] for name in footprint.series] == ["N", "SE"]
    assert footprint.points.numbers.tolist() == [0, 1]


def test_a_part_that_fails_has_no_footprint(s3: "S3Client", context: SimpleNamespace) -> None:
    with pytest.raises(CollidingRecordsError):
        convert(put_source(s3, generation(40, timestamp=pa.array([0] * 40, pa.timestamp("s")))), context)
    assert not [key for key in everything(s3) if key.startswith("footprints/")]
