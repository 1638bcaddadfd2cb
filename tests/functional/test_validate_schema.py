"""ValidateSchema on S3: what is a load, which version is pinned, which files are refused."""

import io
import struct
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.validate_schema.handler import lambda_handler
from shared.errors import (
    CorruptParquetError,
    EncryptedParquetError,
    FooterTooLargeError,
    SchemaMismatchError,
    SourceNotFoundError,
    UnknownDatasetError,
)
from shared.events import Execution, FileRef, LoadState
from shared.work_bucket import findings_key, get_json
from tests.functional.conftest import LEDGER, SOURCE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_s3 import S3Client

KEY = "dataset=generation/year=2024/a b+ç.parquet"
TABLE = pa.table(
    {
        "timestamp": pa.array([0, 1, 2], pa.timestamp("ms", "UTC")),
        "region": ["N", "S", "NE"],
        "energy_source": ["wind", "wind", "solar"],
        "measurement_type": ["verified"] * 3,
        "power_mw": [1.0, 2.0, 3.0],
    }
)


def parquet(table: pa.Table = TABLE, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


@pytest.fixture(autouse=True)
def claims(ledger: "Table") -> "Table":
    return ledger


EXECUTION: Execution = {"id": "arn", "name": "run-1", "start_time": "2024-01-01T00:00:00Z"}


def pin(event: object, context: SimpleNamespace) -> FileRef:
    """State PinSource."""
    return lambda_handler({"state": "PinSource", "input": {"event": event, "execution": EXECUTION}}, context)  # type: ignore[arg-type]


def plan(event: object, file: FileRef, context: SimpleNamespace) -> FileRef:
    """State ValidateSchema."""
    load: LoadState = {"event": event, "execution": EXECUTION, "file": file}
    return lambda_handler({"state": "ValidateSchema", "input": load}, context)  # type: ignore[arg-type]


def validate(event: object, context: SimpleNamespace) -> FileRef:
    """States PinSource, Claim and ValidateSchema, and then the load is over."""
    file = pin(event, context)
    claim(file)
    try:
        return plan(event, file, context)
    finally:
        claim(file, status="failed")


def claim(file: FileRef, status: str = "claimed") -> None:
    facts = {name: file["claim"][name] for name in ("object", "version", "last_modified", "sequencer", "lease_until")}
    item = {**facts, "status": status, "claimed_at": file["claim"]["now"]}
    boto3.resource("dynamodb").Table(LEDGER).put_item(Item=item)


def named(key: str = KEY, **extra: object) -> dict[str, Any]:
    return {"bucket": SOURCE, "key": key, **extra}


def notified(key: str = KEY, **extra: object) -> dict[str, Any]:
    return {"detail": {"bucket": {"name": SOURCE}, "object": {"key": key, **extra}}}


def test_a_file_is_pinned_and_cut_into_parts(s3: "S3Client", context: SimpleNamespace) -> None:
    put = s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet(row_group_size=2))
    file = validate(named(), context)
    assert (file["version_id"], file["etag"]) == (put["VersionId"], put["ETag"])
    assert (file["dataset"], file["layout"], file["rows"], file["skipped"]) == ("generation", "wide", 3, "")
    part = {"part": 0, "first_group": 0, "end_group": 2, "first_row": 0, "rows": 3}
    assert file["parts"] == [part | {"last_modified": file["claim"]["last_modified"], "file_parts": 1}]


def test_the_load_id_is_the_same_for_the_same_version_only(s3: "S3Client", context: SimpleNamespace) -> None:
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet())
    first, second = validate(named(), context), validate(named(), context)
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet())
    assert first["load_id"] == second["load_id"] != validate(named(), context)["load_id"]
    assert len(first["load_id"]) == 16


def test_a_version_requested_by_name_is_loaded_even_if_it_is_old(s3: "S3Client", context: SimpleNamespace) -> None:
    old = s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet())["VersionId"]
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet(TABLE.slice(0, 1)))
    file = validate(named(version_id=old), context)
    assert (file["version_id"], file["rows"]) == (old, 3)


def test_an_event_about_an_older_version_is_skipped(s3: "S3Client", context: SimpleNamespace) -> None:
    old = s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet())
    new = s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet(TABLE.slice(0, 1)))
    by_version = pin(notified(**{"version-id": old["VersionId"]}), context)
    by_etag = pin(notified(etag=old["ETag"].strip('"')), context)
    assert by_version["skipped"] == by_etag["skipped"] == f"superseded by version {new['VersionId']}"
    assert (by_version["version_id"], by_etag["claim"]["version"]) == (old["VersionId"], "")


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("dataset=generation/_SUCCESS", "a hidden or temporary file of its writer: '_SUCCESS' begins with '_'"),
        ("dataset=generation/data.csv", "not a .parquet file: 'data.csv'"),
        ("dataset=generation/", "a folder, not a file: 'dataset=generation/'"),
        (
            "dataset=generation/_temporary/0/a.parquet",
            "a hidden or temporary file of its writer: '_temporary' begins with '_'",
        ),
    ],
)
def test_an_object_that_needs_no_load_is_skipped_without_reading_it(
    s3: "S3Client", context: SimpleNamespace, key: str, reason: str
) -> None:
    file = pin(named(key), context)
    assert (file["skipped"], file["claim"]["version"]) == (reason, "")


def test_files_of_another_suffix_are_loaded_if_the_environment_says_so(
    s3: "S3Client", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILE_SUFFIXES", ".parquet,.pq")
    monkeypatch.setenv("SOURCE_PREFIX", "_landing/")
    key = "_landing/dataset=generation/a.PQ"
    s3.put_object(Bucket=SOURCE, Key=key, Body=parquet())
    assert (pin(named(key), context)["skipped"], validate(named(key), context)["rows"]) == ("", 3)


def test_an_empty_object_is_skipped_in_an_event_and_refused_by_name(s3: "S3Client", context: SimpleNamespace) -> None:
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=b"")
    assert pin(notified(size=0), context)["skipped"] == "an empty object"
    assert pin(notified(), context)["skipped"] == "an empty object"
    with pytest.raises(CorruptParquetError, match="0 bytes"):
        validate(named(), context)


def test_an_absent_object_is_named(s3: "S3Client", context: SimpleNamespace) -> None:
    with pytest.raises(SourceNotFoundError, match=r"s3://source/dataset=generation/gone\.parquet"):
        pin(named("dataset=generation/gone.parquet"), context)


def test_an_unknown_dataset_is_pinned_and_the_error_lists_the_known_ones(
    s3: "S3Client", context: SimpleNamespace
) -> None:
    s3.put_object(Bucket=SOURCE, Key="dataset=weather/a.parquet", Body=parquet())
    assert pin(named("dataset=weather/a.parquet"), context)["dataset"] == ""
    with pytest.raises(UnknownDatasetError, match="generation, consumption, transmission"):
        validate(named("dataset=weather/a.parquet"), context)


def test_a_file_without_rows_has_no_parts(s3: "S3Client", context: SimpleNamespace) -> None:
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet(TABLE.slice(0, 0)))
    file = validate(named(), context)
    assert (file["rows"], file["parts"], file["skipped"]) == (0, [], "")


def test_every_finding_about_the_columns_is_raised_and_kept(s3: "S3Client", context: SimpleNamespace) -> None:
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet(TABLE.drop_columns(["region", "power_mw"])))
    with pytest.raises(SchemaMismatchError, match="region") as raised:
        validate(named(), context)
    columns = ["'timestamp' timestamp[ms, tz=UTC]", "'energy_source' string", "'measurement_type' string"]
    assert get_json(s3, findings_key("run-1")) == {"findings": raised.value.findings, "columns": columns}
    assert len(raised.value.findings) == 2


def put_integers(s3: "S3Client", key: str, **options: Any) -> None:
    """Put a file whose times are integers (ms), in two row groups."""
    milliseconds = pa.array([1_704_067_200_000, 1_704_070_800_000, 1_704_074_400_000])
    table = TABLE.set_column(0, "timestamp", milliseconds)
    s3.put_object(Bucket=SOURCE, Key=key, Body=parquet(table, row_group_size=2, **options))


def test_the_epoch_of_integers_comes_from_the_statistics_of_the_footer(
    s3: "S3Client", context: SimpleNamespace
) -> None:
    put_integers(s3, KEY)
    with pytest.raises(SchemaMismatchError) as raised:
        validate(named(), context)
    advice = 'declare epoch = "ms" (then its times are 2024-01-01 00:00 to 2024-01-01 02:00)'
    assert raised.value.findings == [f"column 'timestamp' has type int64: write timestamps, or {advice}"]


def test_without_statistics_the_digits_tell_the_epoch(s3: "S3Client", context: SimpleNamespace) -> None:
    put_integers(s3, KEY, write_statistics=False)
    with pytest.raises(SchemaMismatchError, match='declare epoch = "s" if its values have 10 digits, "ms" if 13'):
        validate(named(), context)


def test_a_column_that_only_the_key_has_is_named(s3: "S3Client", context: SimpleNamespace) -> None:
    key = "dataset=generation/region=N/a.parquet"
    s3.put_object(Bucket=SOURCE, Key=key, Body=parquet(TABLE.drop_columns(["region"])))
    with pytest.raises(SchemaMismatchError, match="only the key has it, as the folder 'region=N'"):
        validate(named(key), context)


def tail(length: int, magic: bytes, *, size: int = 20) -> bytes:
    return b"PAR1" + bytes(size) + struct.pack("<I4s", length, magic)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"PAR1", CorruptParquetError),
        (b"time,region\n" * 9, CorruptParquetError),
        (tail(1000, b"PAR1"), CorruptParquetError),
        (tail(10, b"PAR1"), CorruptParquetError),
        (tail(10, b"PARE"), EncryptedParquetError),
        (tail((32 << 20) + 1, b"PAR1", size=33 << 20), FooterTooLargeError),
        (tail(0xFFFF_FFFF, b"PAR1"), CorruptParquetError),  # no file of 32 bytes has such a footer
    ],
    ids=range(7),
)
def test_an_unreadable_file_fails_with_a_named_error(
    s3: "S3Client", context: SimpleNamespace, body: bytes, error: type[Exception]
) -> None:
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=body)
    with pytest.raises(error, match="s3://source/dataset=generation"):
        validate(named(), context)


def test_a_file_cut_at_any_byte_is_corrupt(s3: "S3Client", context: SimpleNamespace) -> None:
    whole = parquet()
    for length in range(1, len(whole), 97):
        s3.put_object(Bucket=SOURCE, Key=KEY, Body=whole[:length])
        with pytest.raises(CorruptParquetError):
            validate(named(), context)


def test_a_newer_version_in_the_ledger_supersedes_an_older_one(s3: "S3Client", context: SimpleNamespace) -> None:
    old = s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet())["VersionId"]
    newer = pin(named(), context)
    newer["claim"] |= {"version": "2999-01-01T00:00:00Z v2", "last_modified": newer["claim"]["last_modified"] + 1}
    claim(newer, status="loaded")
    file = validate(named(version_id=old), context)
    assert (file["skipped"], file["parts"]) == ("superseded by version v2", [])
    forced = validate(named(version_id=old, force=True), context)
    assert (forced["rows"], forced["has_other_versions"]) == (3, True)


@pytest.mark.parametrize(
    ("attempt", "expected"), [({}, False), ({"tries": 1}, False), ({"tries": 2}, True), ({"footprint": "f/"}, True)]
)
def test_a_load_may_replace_what_an_attempt_before_wrote(
    s3: "S3Client", context: SimpleNamespace, ledger: "Table", attempt: dict[str, Any], expected: object
) -> None:
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet())
    file = pin(named(), context)
    claim(file)
    [item] = ledger.scan()["Items"]
    ledger.put_item(Item=item | attempt)
    assert plan(named(), file, context)["may_replace"] is expected


def test_the_result_records_when_states_ran_and_all_waits_as_one(s3: "S3Client", context: SimpleNamespace) -> None:
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet())
    file = pin(named(), context)
    assert set(file["ran"]) == {"PinSource"}
    claim(file)
    older = pin(named(), context)
    older["claim"] |= {"version": "1999-01-01T00:00:00Z v0", "last_modified": 0, "lease_until": "2999-01-01T00:00:00Z"}
    claim(older)
    waits = [file := plan(named(), file, context) for _ in range(3)]
    assert [set(file_ref["ran"]) - {"PinSource", "ValidateSchema"} for file_ref in waits] == [
        set(),
        *[{"WaitForOlder"}] * 2,
    ]
    claim(older, status="failed")
    ran = plan(named(), file, context)["ran"]
    assert ran["WaitForOlder"]["started_at"] == waits[0]["ran"]["ValidateSchema"]["ended_at"]
    assert waits[2]["ran"]["ValidateSchema"]["ended_at"] <= ran["WaitForOlder"]["ended_at"]
    assert ran["WaitForOlder"]["ended_at"] == ran["ValidateSchema"]["started_at"]
    assert ran["PinSource"] == waits[0]["ran"]["PinSource"]


def test_it_waits_for_an_older_version_of_the_same_object_only(s3: "S3Client", context: SimpleNamespace) -> None:
    s3.put_object(Bucket=SOURCE, Key=KEY, Body=parquet())
    older = pin(named(), context)
    older["claim"] |= {"version": "1999-01-01T00:00:00Z v0", "last_modified": 0, "lease_until": "2999-01-01T00:00:00Z"}
    claim(older)
    waiting = validate(named(), context)
    assert waiting["not_before"] > older["claim"]["now"]
    assert (waiting["skipped"], waiting["parts"]) == ("", [])
    s3.put_object(Bucket=SOURCE, Key="dataset=generation/other.parquet", Body=parquet())
    assert validate(named("dataset=generation/other.parquet"), context)["rows"] == 3
    claim(older, status="failed")
    assert validate(named(), context)["rows"] == 3
