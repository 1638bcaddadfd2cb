"""Values that contradict the footer's statistics are damage; files of real writers never do."""

import io
import re
import struct
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import arro3.core
import arro3.io
import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from functions.convert_and_chunk import footer_statistics
from functions.convert_and_chunk.footer_statistics import Statistics, read_statistics
from functions.convert_and_chunk.row_groups import PartReader
from shared.errors import CorruptParquetError
from shared.parquet_schema import read_parquet_footer
from tests.support.builders import generation, parquet
from tests.support.conversion import whole_part

PLAIN: dict[str, Any] = {"use_dictionary": False, "compression": "none", "row_group_size": 50}
COLUMNS = ["timestamp", "power_mw", "unit_count", "efficiency", "date", "time_s", "small", "decimal", "text"]


def records() -> pa.Table:
    return generation(
        100,
        unit_count=pa.array(range(1000, 1100), pa.int32()),
        efficiency=pa.array([row / 7 for row in range(100)], pa.float32()),
        date=pa.array(range(18_000, 18_100), pa.int32()).cast(pa.date32()),
        time_s=pa.array(range(-50, 50), pa.timestamp("s")),
        small=pa.array([Decimal(row) / 4 for row in range(100)], pa.decimal128(8, 2)),
        decimal=pa.array([Decimal(row - 80) / 4 for row in range(100)], pa.decimal128(30, 2)),
        text=pa.array([f"text {row}" for row in range(100)]),
    )


def read(content: bytes) -> int:
    return sum(
        batch.num_rows for batch in PartReader(io.BytesIO(content), whole_part(content), "a file").batches(COLUMNS)
    )


def statistics(content: bytes, columns: list[str]) -> dict[int, dict[str, Statistics]]:
    footer = read_parquet_footer(io.BytesIO(content))
    return read_statistics(footer, columns, range(footer.metadata.num_row_groups))


def replace_in_chunk(content: bytes, column: str, group: int, old: bytes, new: bytes) -> bytes:
    """Replace the last occurrence of bytes in one column chunk, whose page has a header with statistics of its own."""
    metadata = pq.read_metadata(io.BytesIO(content))
    chunk = metadata.row_group(group).column(metadata.schema.names.index(column))
    end = chunk.data_page_offset + chunk.total_compressed_size
    place = content.rindex(old, chunk.data_page_offset, end)
    return content[:place] + new + content[place + len(old) :]


TIME = records()["timestamp"].cast(pa.int64())[60].as_py()


@pytest.mark.parametrize(
    ("column", "old", "new", "message"),
    [
        (
            "power_mw",
            struct.pack("<d", 75.0),
            struct.pack("<d", 1e9),
            "the largest value is 1000000000.0, but its footer says 99.0",
        ),
        (
            "power_mw",
            struct.pack("<d", 75.0),
            struct.pack("<d", -1.0),
            "the smallest value is -1.0, but its footer says 50.0",
        ),
        (
            "unit_count",
            struct.pack("<i", 1060),
            struct.pack("<i", -5),
            "the smallest value is -5, but its footer says 1050",
        ),
        (
            "efficiency",
            struct.pack("<f", 60 / 7),
            struct.pack("<f", 99.0),
            "the largest value is 99.0, but its footer says 14.1",
        ),
        ("timestamp", struct.pack("<q", TIME), struct.pack("<q", 7), "the smallest value is 7, but its footer says 17"),
        ("date", struct.pack("<i", 18_060), struct.pack("<i", 7), "the smallest value is 7, but its footer says 18050"),
        (
            "time_s",
            struct.pack("<q", 10_000),
            struct.pack("<q", -9000),
            "the smallest value is -9000, but its footer says 0",
        ),
        (
            "small",
            (1500).to_bytes(4, "big"),
            (9999).to_bytes(4, "big"),
            "the largest value is 99.99, but its footer says 24.75",
        ),
        (
            "decimal",
            (-500).to_bytes(13, "big", signed=True),
            (-1000).to_bytes(13, "big", signed=True),
            "the smallest value is -10.00, but its footer says -7.50",
        ),
        ("power_mw", b"\x64\x01", b"\x64\x00", "50 values are null, but its footer says 0"),
        ("text", b"\x64\x01", b"\x64\x00", "50 values are null, but its footer says 0"),
    ],
    ids=["high", "low", "integer", "float32", "time", "date", "seconds", "decimal32", "decimal", "nulls", "text"],
)
def test_a_page_that_contradicts_the_footer_is_damage_of_a_column_and_row_group(
    column: str, old: bytes, new: bytes, message: str
) -> None:
    content = parquet(records(), **PLAIN)
    assert read(content) == 100
    damaged = replace_in_chunk(content, column, 1, old, new)
    where = re.escape(f"a file is damaged: in column {column!r} of row group 1, {message}")
    with pytest.raises(CorruptParquetError, match=where):
        read(damaged)


def test_decimals_that_are_stored_as_integers_are_compared() -> None:
    content = parquet(records(), **PLAIN, store_decimal_as_integer=True)
    damaged = replace_in_chunk(content, "small", 1, struct.pack("<i", 1500), struct.pack("<i", -1))
    with pytest.raises(CorruptParquetError, match=r"the smallest value is -0\.01, but its footer says 12\.50"):
        read(damaged)


def test_an_exact_bound_that_no_value_has_is_damage() -> None:
    content = parquet(records(), **PLAIN)
    assert statistics(content, COLUMNS)[1]["power_mw"].is_maximum_exact
    damaged = replace_in_chunk(content, "power_mw", 1, struct.pack("<d", 99.0), struct.pack("<d", 60.0))
    with pytest.raises(CorruptParquetError, match=r"the largest value is 98\.0, but its footer says 99\.0"):
        read(damaged)


@pytest.mark.parametrize("writer", ["parquet-mr version 1.8.1 (build 4aba4da)", "parquet-cpp version 1.0.0"])
def test_statistics_of_writers_that_wrote_wrong_ones_are_ignored(writer: str) -> None:
    content = parquet(records(), **PLAIN)
    created_by = re.search(rb"parquet-cpp-arrow version [0-9.]+", content)
    assert created_by
    old = content.replace(created_by[0], writer.encode().ljust(len(created_by[0]))[: len(created_by[0])])
    damaged = replace_in_chunk(old, "power_mw", 1, struct.pack("<d", 75.0), struct.pack("<d", 1e9))
    assert statistics(content, COLUMNS)
    assert read(damaged) == 100


def by_pyarrow(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, row_group_size=300, version="1.0", data_page_version="2.0")


def by_pyarrow_with_crc(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, row_group_size=70, write_page_checksum=True, coerce_timestamps="ms")


def by_fastparquet(table: pa.Table, path: Path) -> None:
    table = table.drop_columns([name for name in table.column_names if name.startswith(("date", "decimal"))])
    table.to_pandas().to_parquet(path, engine="fastparquet", row_group_offsets=200, stats=True)


def by_duckdb(table: pa.Table, path: Path) -> None:
    duckdb.from_arrow(table).write_parquet(str(path), row_group_size=2048)


def by_polars(table: pa.Table, path: Path) -> None:
    pl.from_arrow(table).write_parquet(path, statistics="full", row_group_size=150)  # type: ignore[union-attr]


def by_arro3(table: pa.Table, path: Path) -> None:
    arro3.io.write_parquet(arro3.core.Table.from_arrow(table), str(path), max_row_group_size=128)


@pytest.mark.parametrize(
    "write",
    [by_pyarrow, by_pyarrow_with_crc, by_fastparquet, by_duckdb, by_polars, by_arro3],
    ids=lambda each: each.__name__,
)
def test_files_of_real_writers_never_contradict_their_statistics(
    write: Callable[[pa.Table, Path], None], tmp_path: Path
) -> None:
    """Negative zero, NaN, infinities, nulls, extreme and unsigned integers, and times of every unit."""
    random = np.random.default_rng(1)
    special = [0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, -1.5]
    doubles = random.choice(special, 1000)
    columns: dict[str, pa.Array] = {
        "power_mw": pa.array(doubles, mask=random.random(1000) < 0.2),
        "all_nan": pa.array([np.nan] * 1000),
        "all_null": pa.array([None] * 1000, pa.float64()),
        "zeros": pa.array(random.choice([0.0, -0.0], 1000)),
        "float32": pa.array(random.choice(special, 1000).astype(np.float32)),
        "int64": pa.array(random.integers(-(2**63), 2**63 - 1, 1000)),
        "uint64": pa.array(random.integers(0, 2**64 - 1, 1000, dtype=np.uint64)),
        "uint32": pa.array(random.integers(0, 2**32 - 1, 1000, dtype=np.uint32)),
        "uint8": pa.array(random.integers(0, 255, 1000, dtype=np.uint8)),
        "text": pa.array(random.choice(["", "a", "b"], 1000), mask=random.random(1000) < 0.3),
        "flag": pa.array(random.random(1000) < 0.5, mask=random.random(1000) < 0.3),
        "date": pa.array(random.integers(-100_000, 100_000, 1000).astype("M8[D]"), mask=random.random(1000) < 0.3),
        **{
            f"decimal_{precision}": pa.array(
                [Decimal(int(number)).scaleb(-3) for number in random.integers(-(10**8), 10**8, 1000)],
                pa.decimal128(precision, 3),
            )
            for precision in (9, 18, 38)
        },
        "int8": pa.array(random.integers(-128, 127, 1000, dtype=np.int8), mask=random.random(1000) < 0.5),
        **{
            f"time_{unit}": pa.array(random.integers(-(10**9), 10**9, 1000) * scale, pa.timestamp(unit, zone))
            for unit, scale, zone in (
                ("s", 1, None),
                ("ms", 1, "UTC"),
                ("us", 1000, None),
                ("ns", 10**6, "America/Sao_Paulo"),
            )
        },
    }
    path = tmp_path / "a.parquet"
    write(pa.table(columns), path)
    content = path.read_bytes()
    names = pq.read_schema(path).names
    reader = PartReader(io.BytesIO(content), whole_part(content), "a file")
    assert sum(batch.num_rows for batch in reader.batches(names)) == 1000
    of_groups = statistics(content, names)
    assert len(of_groups) == pq.read_metadata(path).num_row_groups


def test_a_large_footer_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    content = parquet(records().select(COLUMNS[:2]), **PLAIN | {"row_group_size": 1})
    footer = read_parquet_footer(io.BytesIO(content))
    assert [*read_statistics(footer, COLUMNS, [98, 7])] == [98, 7]
    monkeypatch.setattr(footer_statistics, "MAX_FOOTER_BYTES", len(footer.content) - 1)
    assert read_statistics(footer, COLUMNS, [98, 7]) == {}
