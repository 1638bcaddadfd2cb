"""Five writers of Parquet, and the options of each that change encodings, pages, row groups, and the stored schema.

`WRITERS` maps the name of a library to a `Writer`. A writer raises an error of its library for types that it lacks.
"""

import io
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import arro3.core
import arro3.io
import duckdb
import fastparquet
import polars
import pyarrow as pa
from hypothesis import strategies as st

from tests.support.builders import parquet

Options = Mapping[str, Any]

_ROWS = st.sampled_from([1, 2, 5, 1000])
_PAGES = st.sampled_from([1, 64, 1 << 20])


class Writer(NamedTuple):
    """A library that writes Parquet.

    Attributes:
        write: returns the bytes of a file; the arguments are the table and the options.
        options: a strategy for the options.
        keeps_types: the file has the types of the Arrow table, so the loader has to accept those that it documents.
    """

    write: Callable[[pa.Table, Options], bytes]
    options: st.SearchStrategy[dict[str, Any]]
    keeps_types: bool


def _with_arrow(table: pa.Table, options: Options) -> bytes:
    return parquet(table, **options)


def _with_rust(table: pa.Table, options: Options) -> bytes:
    sink = io.BytesIO()
    arro3.io.write_parquet(arro3.core.Table.from_arrow(table), sink, **options)
    return sink.getvalue()


def _with_polars(table: pa.Table, options: Options) -> bytes:
    if any(pa.types.is_decimal256(field.type) for field in table.schema):
        raise TypeError("polars would panic on decimals of 256 bits")
    sink = io.BytesIO()
    polars.DataFrame(table).write_parquet(sink, **options)
    return sink.getvalue()


def _with_duckdb(table: pa.Table, options: Options) -> bytes:
    settings = "".join(f", {name} {value}" for name, value in options.items())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.parquet"
        duckdb.register("rows_to_write", table)
        duckdb.execute(f"COPY rows_to_write TO '{path}' (FORMAT parquet{settings})")
        return path.read_bytes()


def _with_fastparquet(table: pa.Table, options: Options) -> bytes:
    """Write a table by way of pandas, which keeps integers with nulls only in types of its own."""
    import pandas as pd  # noqa: PLC0415 -- pyarrow does without pandas in the tests, so convert column by column

    columns = {
        name: pd.Series(column.to_pylist(), dtype=_pandas_type(column.type))
        for name, column in zip(table.column_names, table.columns, strict=True)
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.parquet"
        fastparquet.write(str(path), pd.DataFrame(columns), **options)
        return path.read_bytes()


def _pandas_type(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return str(kind).replace("int", "Int").replace("uI", "UI")
    if pa.types.is_floating(kind):
        return "float64" if kind == pa.float64() else "float32"
    if pa.types.is_timestamp(kind):
        return "datetime64[ns, UTC]" if kind.tz else "datetime64[ns]"
    return "bool" if pa.types.is_boolean(kind) else "object"


_COMPRESSION = st.sampled_from(["none", "snappy", "zstd", "gzip", "lz4"])

WRITERS = {
    "pyarrow": Writer(
        _with_arrow,
        st.fixed_dictionaries(
            {
                "compression": _COMPRESSION,
                "use_dictionary": st.booleans(),
                "data_page_version": st.sampled_from(["1.0", "2.0"]),
                "data_page_size": _PAGES,
                "dictionary_pagesize_limit": _PAGES,
                "row_group_size": _ROWS,
                "store_schema": st.booleans(),
                "write_page_checksum": st.booleans(),
                "use_deprecated_int96_timestamps": st.booleans(),
            }
        ),
        keeps_types=True,
    ),
    "arro3": Writer(
        _with_rust,
        st.fixed_dictionaries(
            {
                "compression": st.sampled_from(
                    ["uncompressed", "snappy", "zstd(1)", "gzip(1)", "lz4_raw", "brotli(1)"]
                ),
                "dictionary_enabled": st.booleans(),
                "dictionary_page_size_limit": _PAGES,
                "data_page_size_limit": _PAGES,
                "data_page_row_count_limit": _ROWS,
                "write_batch_size": _ROWS,
                "max_row_group_size": _ROWS,
                "writer_version": st.sampled_from(["parquet_1_0", "parquet_2_0"]),
                "skip_arrow_metadata": st.booleans(),
            }
        ),
        keeps_types=True,
    ),
    "polars": Writer(
        _with_polars,
        st.fixed_dictionaries(
            {
                "compression": st.sampled_from(["uncompressed", "snappy", "zstd", "gzip", "lz4", "brotli"]),
                "row_group_size": _ROWS,
                "data_page_size": _PAGES,
                "statistics": st.booleans(),
            }
        ),
        keeps_types=False,
    ),
    "duckdb": Writer(
        _with_duckdb,
        st.fixed_dictionaries(
            {
                "compression": st.sampled_from(["uncompressed", "snappy", "zstd", "gzip", "lz4", "brotli"]),
                "row_group_size": _ROWS,
                "parquet_version": st.sampled_from(["V1", "V2"]),
                "dictionary_size_limit": st.sampled_from([0, 1, 1000]),
            }
        ),
        keeps_types=False,
    ),
    "fastparquet": Writer(
        _with_fastparquet,
        st.fixed_dictionaries(
            {
                "compression": st.sampled_from(["UNCOMPRESSED", "SNAPPY", "ZSTD", "GZIP"]),
                "row_group_offsets": _ROWS,
                "times": st.sampled_from(["int64", "int96"]),
                "stats": st.booleans(),
            }
        ),
        keeps_types=False,
    ),
}
