"""Reads the points of a file back from InfluxDB and compares them with the Parquet, value by value.

It shares no code with the functions that converted the file: it takes the Parquet through pandas and asks the
database in InfluxQL. Only the declarations of the datasets are common ground.
"""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import requests
from pyarrow import csv

from shared.datasets import Dataset

TIMEOUT_S = 120
SHOWN = 5
"""Differences that are spelled out; all are counted."""


_SCALES = {
    "MWmed": ("MW", 1.0, 1.0),
    "kW": ("MW", 1.0, 1000.0),
    "GW": ("MW", 1000.0, 1.0),
    "kWh": ("MWh", 1.0, 1000.0),
    "GWh": ("MWh", 1000.0, 1.0),
    "%": ("ratio", 1.0, 100.0),
}
"""Unit → unit of the field, and what a value is multiplied and divided by."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What a file should have become beside what the database holds over the file's time span."""

    expected: int
    read_back: int
    differences: list[str]
    differing_points: int

    @property
    def equal(self) -> bool:
        """Every point is there with every value, and no other point is."""
        return self.differing_points == 0 and self.expected == self.read_back


def compare(path: Path, dataset: Dataset, *, url: str, bucket: str, token: str) -> Comparison:
    """Compare a Parquet file with the points in `bucket`. Values must be equal to the last bit."""
    expected = expected_points(path, dataset)
    found = stored_points(dataset, expected, url=url, bucket=bucket, token=token)
    keys = ["time", *dataset.tags]
    both = expected.merge(found, on=keys, how="outer", suffixes=("_file", "_db"), indicator="where")
    differs = both["where"] != "both"
    for field in dataset.field_names:
        file, stored = both[f"{field}_file"], both[f"{field}_db"]
        differs |= ~((file == stored) | (file.isna() & stored.isna()))
    return Comparison(
        expected=len(expected),
        read_back=len(found),
        differences=[str(row) for row in both[differs].head(SHOWN).to_dict("records")],
        differing_points=int(differs.sum()),
    )


def expected_points(path: Path, dataset: Dataset) -> pd.DataFrame:
    """One row a point: `time` in ns since 1970 (UTC), every tag ("" where absent), every field (NaN where absent)."""
    rows = pd.read_parquet(path)
    points = pd.DataFrame({"time": _time_ns(rows[dataset.timestamp])})
    for tag in dataset.tags:
        points[tag] = _tag_text(rows[tag]) if tag in rows else ""
    fields = _fields_of_values(rows, dataset) if "value" in rows else rows
    for field in dataset.field_names:
        points[field] = pd.to_numeric(fields[field]).astype("float64") if field in fields else np.nan
    points = points.replace([np.inf, -np.inf], np.nan)
    complete = points["time"].notna() & points[list(dataset.field_names)].notna().any(axis=1)
    for tag in dataset.required_tags:
        complete &= points[tag] != ""
    points = points[complete].astype({"time": "int64"})
    return points.drop_duplicates(["time", *dataset.tags], keep="last")


def _fields_of_values(rows: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """The long layout's `value` under the field that `measurement_type` names, or else under the one of its unit."""
    fields = pd.DataFrame(index=rows.index, columns=[*dataset.field_names], dtype="float64")
    for (kind, unit), group in rows.groupby(["measurement_type", "unit"], dropna=False):
        known, multiplier, divisor = _SCALES.get(str(unit), (unit, 1.0, 1.0))
        of_unit = [field.name for field in dataset.fields if field.unit == known]
        found = [name for name in of_unit if name == kind] or of_unit
        if len(found) == 1:
            fields.loc[group.index, found[0]] = pd.to_numeric(group["value"]) * multiplier / divisor
    return fields


def stored_points(dataset: Dataset, expected: pd.DataFrame, *, url: str, bucket: str, token: str) -> pd.DataFrame:
    """The same columns as `expected`, as InfluxDB answers for its time span."""
    span = f"time >= {expected['time'].min()} AND time <= {expected['time'].max()}" if len(expected) else "time < 0"
    answer = requests.get(
        f"{url}/query",
        params={"db": bucket, "q": f'SELECT * FROM "{dataset.measurement}" WHERE {span}', "epoch": "ns"},  # noqa: S608
        headers={"Authorization": f"Token {token}", "Accept": "application/csv"},
        timeout=TIMEOUT_S,
    )
    answer.raise_for_status()
    points = _of_csv(answer.content, dataset)
    for tag in dataset.tags:
        points[tag] = points[tag].fillna("") if tag in points else ""
    for field in dataset.field_names:
        points[field] = points[field].astype("float64") if field in points else np.nan
    return points[["time", *dataset.tags, *dataset.field_names]]


def _of_csv(content: bytes, dataset: Dataset) -> pd.DataFrame:
    """Arrow parses numbers exactly. Columns that the database does not have yet are not in its answer."""
    if not content:
        return pd.DataFrame({"time": pd.Series(dtype="int64")})
    types = dict.fromkeys(dataset.field_names, pa.float64()) | dict.fromkeys(dataset.tags, pa.string())
    options = csv.ConvertOptions(column_types=types | {"time": pa.int64()})
    points: pd.DataFrame = csv.read_csv(BytesIO(content), convert_options=options).to_pandas()
    return points


def _time_ns(column: "pd.Series[pd.Timestamp]") -> "pd.Series[int]":
    """Nanoseconds since 1970 as nullable integers; naive times are UTC."""
    time = pd.to_datetime(column, utc=True).astype("datetime64[ns, UTC]")
    return time.astype("int64").where(time.notna()).astype("Int64")


def _tag_text(column: "pd.Series[str]") -> "pd.Series[str]":
    """Tags as they are stored: trimmed, and absent where null, empty or a dash."""
    text = column.astype("object").where(column.notna(), "").astype(str).str.strip()
    return text.where(text != "-", "")
