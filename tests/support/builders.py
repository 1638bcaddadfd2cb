"""Builders of Parquet files: valid records of a dataset, and files that attack the reader's memory.

Tests build their files here, so no binary fixture is checked in.
"""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HOUR = 3_600_000_000
START = 1_704_067_200_000_000
"""2024-01-01T00:00:00Z, in microseconds since 1970."""


def generation(rows: int = 3, **columns: Sequence[Any] | pa.Array) -> pa.Table:
    """Return records of the dataset generation, one per hour.

    Args:
        rows: The number of records.
        columns: Columns that replace a default one or are added to them; None removes a column.
    """
    table: dict[str, Any] = {
        "timestamp": pa.array(START + np.arange(rows) * HOUR, pa.timestamp("us", "UTC")),
        "region": pa.repeat("SE", rows),
        "energy_source": pa.repeat("hydro", rows),
        "measurement_type": pa.repeat("verified", rows),
        "power_mw": np.arange(rows, dtype=np.float64),
    }
    return pa.table({name: column for name, column in (table | columns).items() if column is not None})


def long_generation(values: Sequence[Any], units: Sequence[str | None], types: Sequence[str] | None = None) -> pa.Table:
    """Return records of the dataset generation in the long layout, with one value and its unit in each row."""
    rows = len(values)
    return generation(rows, power_mw=None, value=values, unit=units, measurement_type=types or ["verified"] * rows)


def parquet(table: pa.Table, **options: Any) -> bytes:
    """Return the table as the bytes of a Parquet file; `options` go to `pyarrow.parquet.write_table`."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def dictionary_bomb(column: str, *, mib: int = 10, rows: int = 1000) -> bytes:
    """Return a file of a few kilobytes in which every row of `column` holds the same text of `mib` MiB."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["a" * (mib << 20)]))
    options = {"compression": "zstd", "dictionary_pagesize_limit": 1 << 30, "write_statistics": False}
    return parquet(generation(rows, **{column: text}), store_schema=False, **options)


def page_bomb(rows: int) -> bytes:
    """Return a file of a few kilobytes in which each numeric column is one page of 8 bytes per row."""
    text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array(["x"]))
    columns: dict[str, Any] = dict.fromkeys(("region", "energy_source", "measurement_type"), text)
    zeros = np.zeros(rows, np.int64)
    return parquet(
        pa.table(columns | {"timestamp": pa.array(zeros, pa.timestamp("us")), "power_mw": zeros.view(np.float64)}),
        compression="zstd",
        use_dictionary=list(columns),
        store_schema=False,
        write_statistics=False,
        write_batch_size=rows,
        row_group_size=rows,
        data_page_size=2**31 - 2,
        max_rows_per_page=2**31 - 2,
    )
