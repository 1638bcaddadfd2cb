"""The contestants of the conversion benchmark: each converts the record batches of benchmarks/convert_shapes.py.

Each function prepares its input outside the measured time and returns the function to measure. Libraries that do not
escape tags themselves escape once per distinct tag set here, as this loader does.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence

import pandas as pd
import polars as pl
import pyarrow as pa
from influxdb_client.client.write.dataframe_serializer import data_frame_to_list_of_points
from influxdb_client.client.write.point import Point
from influxdb_client.client.write_api import PointSettings

from functions.convert_and_chunk.part import bodies
from functions.convert_and_chunk.records import Records
from shared.datasets import DATASETS
from shared.schema import plan_columns

with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
    from questdb.ingress import Buffer  # only the deprecated module has this line protocol serializer

GENERATION = DATASETS["generation"]
TAGS = ["energy_source", "measurement_type", "plant_name", "quality_flag", "region"]
FIELDS = ["capacity_factor", "efficiency", "power_mw"]

Contestant = Callable[[], int]
"""A function that converts all batches once and returns the number of bytes."""


def ours(batches: Sequence[pa.RecordBatch]) -> Contestant:
    """Return the loader's conversion, as ConvertAndChunk calls it: validate rows, number series, gather lines."""
    columns = plan_columns(batches[0].schema, GENERATION, validate=True)
    rows = sum(batch.num_rows for batch in batches)

    def convert() -> int:
        records = Records(GENERATION, columns, rows, validate=True)
        for batch in batches:
            records.append(batch)
        records.settle_series()
        return sum(len(body.data) for body, _ in bodies(records, max_lines=1000))

    return convert


def naive(batches: Sequence[pa.RecordBatch]) -> Contestant:
    """Return a conversion that creates one Point per DataFrame row, 1,000 to a body, as tutorials show."""
    frames = [batch.to_pandas() for batch in batches]

    def convert() -> int:
        return sum(len("\n".join(points).encode()) for frame in frames for points in _thousands(_points(frame)))

    return convert


def dataframe_serializer(batches: Sequence[pa.RecordBatch]) -> Contestant:
    """Return influxdb-client's own DataFrame serializer."""
    frames = [batch.to_pandas().set_index("timestamp") for batch in batches]

    def convert() -> int:
        settings = PointSettings()
        options = {"data_frame_measurement_name": "generation_data", "data_frame_tag_columns": TAGS}
        return sum(
            len("\n".join(data_frame_to_list_of_points(frame, settings, **options)).encode()) for frame in frames
        )

    return convert


def polars(batches: Sequence[pa.RecordBatch]) -> Contestant:
    """Return a conversion with polars: `concat_str` with one prefix per tag set.

    The buffer of the text column is the body.
    """
    frames = [pl.DataFrame(pl.from_arrow(batch)) for batch in batches]
    fields = [pl.concat_str([pl.lit(f"{name}="), pl.col(name).cast(pl.String)]) for name in FIELDS]
    stamp = pl.col("timestamp").dt.epoch("ns").cast(pl.String)
    line = pl.concat_str(
        [pl.col("prefix"), pl.concat_str(fields, separator=",", ignore_nulls=True), stamp + "\n"], separator=" "
    )
    tags = [pl.concat_str([pl.lit(f",{name}="), _escaped(name)]) for name in TAGS]
    prefix = pl.concat_str([pl.lit("generation_data"), *tags]).alias("prefix")

    def convert() -> int:
        size = 0
        for frame in frames:
            sets = frame.select(TAGS).unique(maintain_order=True).with_columns(prefix)
            lines = frame.join(sets, on=TAGS, how="left", maintain_order="left").select(line).to_series()
            size += len(lines.to_arrow(compat_level=pl.CompatLevel.oldest()).buffers()[2])
        return size

    return convert


def questdb(batches: Sequence[pa.RecordBatch]) -> Contestant:
    """Return the serializer of QuestDB's client, which is written in Rust.

    The fields are Arrow columns, whose nulls it leaves out. It would write numpy's NaN as text that InfluxDB rejects.
    """
    frames = [batch.to_pandas(types_mapper={pa.float64(): pd.ArrowDtype(pa.float64())}.get) for batch in batches]

    def convert() -> int:
        size = 0
        buffer = Buffer(protocol_version=1)
        for frame in frames:
            buffer.clear()
            buffer.dataframe(frame, table_name="generation_data", symbols=TAGS, at="timestamp")
            size += len(bytes(buffer))
        return size

    return convert


def _escaped(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).str.replace_all(r"([,= ])", r"\$1")


def _points(frame: pd.DataFrame) -> Iterator[str]:
    for _, row in frame.iterrows():
        point = Point("generation_data").time(row["timestamp"])
        for tag in TAGS:
            point = point.tag(tag, row[tag])
        for field in FIELDS:
            if pd.notna(row[field]):
                point = point.field(field, row[field])
        yield point.to_line_protocol()


def _thousands(points: Iterator[str]) -> Iterator[list[str]]:
    while thousand := [point for point, _ in zip(points, range(1000), strict=False)]:
        yield thousand
