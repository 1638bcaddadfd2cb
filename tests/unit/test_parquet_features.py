"""Whatever else a file contains, columns of the dataset are read exactly, or an error names the one that cannot be."""

import io
import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import arro3.core
import arro3.io
import numpy as np
import polars
import pyarrow as pa
import pytest

from cli.dry_run import plan
from cli.targets import LocalFile
from shared.aws_clients import s3_client
from shared.errors import DataError, SchemaMismatchError, UnsupportedParquetError
from shared.load_totals import Outcomes
from tests.support.builders import HOUR, START, generation, long_generation, parquet
from tests.support.footers import as_converted_type, as_decimal, with_type_length
from tests.support.staged_file import stage

BSON, ENUM = 20, 4


def with_rust(table: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    arro3.io.write_parquet(arro3.core.Table.from_arrow(table), sink, **options)
    return sink.getvalue()


def uuids(rows: int) -> pa.Array:
    return pa.array([bytes([200 + row]) * 16 for row in range(rows)], pa.uuid())


NESTED_INT96 = pa.array([[0], [None, 4 * 10**18], None], pa.list_(pa.timestamp("ns")))
IGNORED = {
    "uuid": uuids(3),
    "json": pa.array(['{"a": 1}', None, "2"], pa.json_()),
    "opaque": pa.ExtensionArray.from_storage(pa.opaque(pa.binary(), "t", "v"), pa.array([b"x"] * 3)),
    "nested": pa.array([[{"a": 1}], [], None]),
    "map": pa.array([[("k", [1])], [], None], pa.map_(pa.string(), pa.list_(pa.int8()))),
    "halffloat": pa.array([1.5, None, 2.5], pa.float16()),
    "decimal": pa.array([Decimal("1.5")] * 3, pa.decimal256(76, 2)),
    "view": pa.array([["x"], None, []], pa.list_view(pa.string_view())),
    "int96": NESTED_INT96,
}


@pytest.mark.parametrize("column", IGNORED.values(), ids=IGNORED)
@pytest.mark.parametrize("regions", [["N", "", "N"], ["N", "N", "N"]], ids=["missing", "colliding"])
def test_a_row_is_set_aside_whatever_its_ignored_columns_hold(column: pa.Array, regions: list[str]) -> None:
    colliding = regions[1] == "N"
    table = generation(3, region=regions, other=column)
    if colliding:
        table = table.set_column(0, "timestamp", pa.array([START, START, START + HOUR], pa.timestamp("us", "UTC")))
    staged = stage(parquet(table, use_deprecated_int96_timestamps=column is NESTED_INT96))
    assert len(staged.lines) == 2
    row = 0 if colliding else 1
    assert staged.rows_set_aside == {row: "collision" if colliding else "missing_tag"}
    assert staged.quarantine[0].column("other").to_pylist() == [column[row].as_py()]


@pytest.mark.parametrize(
    "other", [pa.array([253_402_300_799] * 3, pa.timestamp("s")), NESTED_INT96], ids=["year 9999", "nested"]
)
def test_other_columns_of_int96_do_not_make_the_times_coarse(other: pa.Array) -> None:
    times = pa.array(
        [1_704_067_200_000_000_001, 1_704_067_200_000_000_002, 1_704_067_200_000_000_003], pa.timestamp("ns")
    )
    table = generation(3, timestamp=times, other=other)
    staged = stage(parquet(table, use_deprecated_int96_timestamps=True))
    assert [line.rpartition(" ")[2] for line in staged.lines] == [str(1_704_067_200_000_000_000 + n) for n in (1, 2, 3)]


def test_a_time_in_int96_that_does_not_fit_is_set_aside_and_the_others_stay_exact() -> None:
    nanoseconds = pa.array([1_704_067_200_123_456_789, 0, 2_000_000_000_123_456_789], pa.timestamp("ns"))
    content = parquet(generation(3, timestamp=nanoseconds), use_deprecated_int96_timestamps=True, use_dictionary=False,
                      compression="none")  # fmt: skip
    epoch = (0).to_bytes(8, "little") + (2_440_588).to_bytes(4, "little")
    year_9999 = (0).to_bytes(8, "little") + (5_373_484).to_bytes(4, "little")
    assert content.count(epoch) == 1
    staged = stage(content.replace(epoch, year_9999))
    assert [line.rpartition(" ")[2] for line in staged.lines] == ["1704067200123456789", "2000000000123456789"]
    assert staged.rows_set_aside == {1: "timestamp_out_of_range"}
    assert str(staged.quarantine[0].column("timestamp")[0]) == "9999-12-31 00:00:00"
    assert next(staged.samples)["timestamp"].startswith("9999-12-31")


@pytest.mark.parametrize("store_schema", [True, False])
def test_json_is_text(store_schema: bool) -> None:  # noqa: FBT001
    json = pa.array(["N", '{"a": 1}'], pa.json_())
    times = pa.array(["2024-01-01T00:00:00Z", "2024-01-01T01:00:00Z"], pa.json_())
    table = generation(2, region=json, timestamp=times, power_mw=pa.array(["1.5", "2"], pa.json_()))
    staged = stage(parquet(table, store_schema=store_schema))
    assert [line.partition("region=")[2] for line in staged.lines] == [
        "N power_mw=1.5 1704067200000000000",
        '{"a":\\ 1} power_mw=2.0 1704070800000000000',
    ]
    units = long_generation([1.0], ["MW"]).set_column(5, "unit", pa.array(["MW"], pa.json_()))
    assert len(stage(parquet(units, store_schema=store_schema)).lines) == 1


@pytest.mark.parametrize("store_schema", [True, False])
def test_a_uuid_is_text_as_a_tag_and_refused_as_a_number(store_schema: bool) -> None:  # noqa: FBT001
    ids = pa.array([bytes(range(16)), None, bytes(16)], pa.uuid())
    staged = stage(parquet(generation(3, plant_name=ids), store_schema=store_schema))
    tags = [line.partition("plant_name=")[2].partition(",")[0] for line in staged.lines]
    assert tags == ["00010203-0405-0607-0809-0a0b0c0d0e0f", "", "00000000-0000-0000-0000-000000000000"]
    with pytest.raises(SchemaMismatchError, match=r"column 'power_mw' has type extension<arrow.uuid>: write numbers"):
        stage(parquet(generation(3, power_mw=ids), store_schema=store_schema))


def test_an_enum_is_text_and_bson_is_refused_by_name() -> None:
    content = parquet(generation(1, region=pa.array([b"N"])), store_schema=False)
    assert "region=N " in stage(as_converted_type(content, "region", ENUM)).lines[0]
    with pytest.raises(SchemaMismatchError, match="column 'region' has type BSON: write text"):
        stage(as_converted_type(content, "region", BSON))


@pytest.mark.parametrize("version", ["parquet_1_0", "parquet_2_0"])
def test_required_columns_whose_encoding_changes_in_mid_file_are_quarantined(version: str) -> None:
    """Rust's writer of version 2 continues with DELTA once the dictionary of a column is full."""
    rows = 70_000  # more than a record batch
    regions = [None if row in (10, rows - 10) else "N" for row in range(rows)]
    notes = [f"a text of some length, number {max(row, 66_000)}" for row in range(rows)]
    table = generation(rows, region=regions, note=notes)
    required = [field.with_nullable(field.name == "region") for field in table.schema]
    options = {"dictionary_page_size_limit": 40_000, "writer_version": version}
    staged = stage(with_rust(table.cast(pa.schema(required)), **options))
    assert staged.rows_set_aside == {10: "missing_tag", rows - 10: "missing_tag"}
    assert staged.quarantine[0].column("note").to_pylist() == [notes[10], notes[-10]]


@pytest.mark.parametrize("page_bytes", [1, 1000])
def test_the_quarantine_holds_every_row_that_is_counted(page_bytes: int) -> None:
    """Arrow reads no rows of a nested column whose first page is empty. Such a column is left out."""
    nested = pa.array([[row] for row in range(5)])
    table = generation(5, region=["", "N", "", "N", ""], nested=nested)
    staged = stage(parquet(table, row_group_size=1, data_page_size=page_bytes))
    assert staged.rows_set_aside == dict.fromkeys((0, 2, 4), "missing_tag")
    assert ("nested" in staged.quarantine[0].column_names) == (page_bytes > 1)
    assert Outcomes(parts=staged.outcomes).unreadable_columns == ([] if page_bytes > 1 else ["nested"])
    assert len(list(staged.samples)) == 3


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_a_column_of_categories_in_pages_of_deltas_is_read(encoding: str) -> None:
    names = pa.array(["N", None, "S"]).dictionary_encode()
    table = generation(3, region=names, plant_name=names)
    columns = {"region": encoding, "plant_name": encoding}
    staged = stage(parquet(table, use_dictionary=False, column_encoding=columns))
    assert [line.partition("region=")[2].partition(" ")[0] for line in staged.lines] == ["N", "S"]
    assert staged.quarantine[0].column("plant_name").to_pylist() == [None]


def untyped(name: str) -> dict[str, bytes]:
    """Return files with a column that Arrow has no type for."""
    values = pa.array([bytes(33)] * 3, pa.binary(33))
    content = parquet(generation(3, region=["N", "", "N"], **{name: values}), store_schema=False)
    stored = parquet(generation(3, region=["N", "", "N"], **{name: values}))
    frame = polars.DataFrame(generation(3, region=["N", "", "N"]))
    frame = frame.with_columns(polars.lit(1).cast(polars.Int128).alias(name))
    sink = io.BytesIO()
    frame.write_parquet(sink)
    return {
        "decimal": as_decimal(content, name, 77, 2),
        "decimal, stored schema": as_decimal(stored, name, 77, 2),
        "length 0": with_type_length(content, name, 0),
        "int128": sink.getvalue(),
    }


@pytest.mark.parametrize("content", untyped("other").values(), ids=untyped("other"))
def test_an_ignored_column_that_arrow_cannot_type_does_not_matter(content: bytes) -> None:
    staged = stage(content)
    assert len(staged.lines) == 2
    assert Outcomes(parts=staged.outcomes).ignored_columns == ["other"]
    assert staged.rows_set_aside == {1: "missing_tag"}
    assert staged.quarantine[0].column("energy_source").to_pylist() == ["hydro"]


@pytest.mark.parametrize("name", ["power_mw", "plant_name"])
def test_a_column_of_the_dataset_that_arrow_cannot_type_is_named(name: str) -> None:
    files = untyped(name)
    words = "numbers" if name == "power_mw" else "text"
    message = (
        rf"column '{name}' has the type FIXED_LEN_BYTE_ARRAY\(33\) DECIMAL\(77, 2\), which .*: write it with {words}"
    )
    for content in (files["decimal"], files["decimal, stored schema"]):
        with pytest.raises(UnsupportedParquetError, match=message):
            stage(content)
    with pytest.raises(UnsupportedParquetError, match=rf"column '{name}' has the type FIXED_LEN_BYTE_ARRAY\(0\)"):
        stage(files["length 0"])
    with pytest.raises(SchemaMismatchError, match=f"column '{name}' has type fixed_size_binary"):
        stage(files["int128"])


def test_a_plan_names_what_it_cannot_read_and_shows_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "file.parquet"
    cases: list[tuple[bytes, type[DataError] | None]] = [
        (untyped("power_mw")["decimal"], UnsupportedParquetError),
        (untyped("other")["decimal"], None),
        (parquet(generation(3, region=["N", "", "N"], other=uuids(3))), None),
    ]
    for content, error in cases:
        path.write_bytes(content)
        target = LocalFile(path=path, key="dataset=generation/file.parquet")
        result = plan(
            target,
            client=s3_client(),
            bucket="b",
            environment={},
            on_file=lambda _: None,
            on_chunk=lambda _: None,
        )
        assert type(result.error) is (error or type(None))


def test_a_damaged_ignored_column_is_left_out_of_the_quarantine() -> None:
    notes = [f"{row:040}" for row in range(50)]
    content = parquet(
        generation(50, region=["", *["N"] * 49], note=notes),
        write_page_checksum=True,
        use_dictionary=False,
        compression="none",
    )
    place = content.index(notes[7].encode())
    damaged = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
    staged = stage(damaged)
    assert staged.rows_set_aside == {0: "missing_tag"}
    assert "note" not in staged.quarantine[0].column_names
    assert Outcomes(parts=staged.outcomes).unreadable_columns == ["note"]


def test_the_values_of_all_columns_stay_together() -> None:
    numbers = np.arange(40.0)
    for row_group_size, page in itertools.product((1, 7), (1, 1000)):
        table = generation(40, power_mw=numbers, other=[[int(n)] for n in numbers], region=["", "N"] * 20)
        staged = stage(parquet(table, row_group_size=row_group_size, data_page_size=page))
        assert [float(line.partition("power_mw=")[2].split()[0]) for line in staged.lines] == list(numbers[1::2])
        assert staged.quarantine[0].column("power_mw").to_pylist() == list(numbers[::2])
