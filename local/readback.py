"""An independent check of a load: read the points back from InfluxDB and compare them with the Parquet file.

`compare` computes the expected points from the Parquet file with pandas (`expected_points`), queries the stored ones in
InfluxQL (`stored_points`) and compares them value by value. It shares no code with the functions that converted the
file, only the declarations of the datasets, so a defect there cannot hide itself here.
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
MAX_DIFFERENCES_SHOWN = 5
"""How many differences are spelled out; all of them are counted."""


_SCALES = {
    "MWmed": ("MW", 1.0, 1.0),
    "kW": ("MW", 1.0, 1000.0),
    "GW": ("MW", 1000.0, 1.0),
    "kWh": ("MWh", 1.0, 1000.0),
    "GWh": ("MWh", 1000.0, 1.0),
    "%": ("ratio", 1.0, 100.0),
    "ratio": ("%", 100.0, 1.0),
}
"""For each unit in a file: the unit of the field, and the numbers to multiply and divide a value by."""


class ReadbackError(RuntimeError):
    """InfluxDB answered with an error, so it is unknown which points it holds. The message has its own words."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The points that a file should have become, compared with those that the database holds.

    Attributes:
        expected: Number of points in the file.
        read_back: Number of points in the database within the time span of the file.
        differences: The first differing points as text.
        differing_points: Number of points with another value, or in only one of the two.
    """

    expected: int
    read_back: int
    differences: list[str]
    differing_points: int

    @property
    def equal(self) -> bool:
        """True if the database holds every point with every value, and no other point."""
        return self.differing_points == 0 and self.expected == self.read_back


def compare(path: Path, dataset: Dataset, *, url: str, bucket: str, token: str) -> Comparison:
    """Compare a Parquet file with the points in `bucket`. Values must be equal to the last bit."""
    expected = expected_points(path, dataset)
    stored = stored_points(dataset, expected, url=url, bucket=bucket, token=token)
    # An outer join keeps a point that only one side has: `where` is then left_only or right_only.
    both = expected.merge(stored, on=["time", *dataset.tags], how="outer", suffixes=("_file", "_db"), indicator="where")
    differs = both["where"] != "both"
    for field in dataset.field_names:
        in_file, in_db = both[f"{field}_file"], both[f"{field}_db"]
        differs |= ~((in_file == in_db) | (in_file.isna() & in_db.isna()))
    return Comparison(
        expected=len(expected),
        read_back=len(stored),
        differences=[str(row) for row in both[differs].head(MAX_DIFFERENCES_SHOWN).to_dict("records")],
        differing_points=int(differs.sum()),
    )


def expected_points(path: Path, dataset: Dataset) -> pd.DataFrame:
    """Return one row per point that the file should become.

    The columns are `time` (ns since 1970, UTC), every tag ("" if absent) and every field (NaN if absent).
    """
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
    # Of several rows with one time and one tag set, InfluxDB keeps the last.
    return points.drop_duplicates(["time", *dataset.tags], keep="last")


def _fields_of_values(rows: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Spread the long layout's `value` over the fields.

    A value belongs to the field that `measurement_type` names, or else to the only field with its unit. With the unit
    GW and a field `power_mw` in MW, the value 1.5 becomes power_mw=1500.0.
    """
    fields = pd.DataFrame(index=rows.index, columns=[*dataset.field_names], dtype="float64")
    for (measurement_type, unit), group in rows.groupby(["measurement_type", "unit"], dropna=False):
        named = [field for field in dataset.fields if field.name == measurement_type] or dataset.fields
        is_kept = any(field.unit == unit for field in named)
        field_unit, multiplier, divisor = (unit, 1.0, 1.0) if is_kept else _SCALES.get(str(unit), (unit, 1.0, 1.0))
        same_unit = [field.name for field in dataset.fields if field.unit == field_unit]
        candidates = [name for name in same_unit if name == measurement_type] or same_unit
        if len(candidates) == 1:
            fields.loc[group.index, candidates[0]] = pd.to_numeric(group["value"]) * multiplier / divisor
    return fields


def stored_points(dataset: Dataset, expected: pd.DataFrame, *, url: str, bucket: str, token: str) -> pd.DataFrame:
    """Return the points that InfluxDB holds within the time span of `expected`, with the same columns.

    A CSV reply has no place for an error: it is empty, or ends early. So where points are missing, the query is sent
    again in JSON, which tells whether there was an error.

    Raises:
        ReadbackError: InfluxDB answered with an error.
    """
    span = f"time >= {expected['time'].min()} AND time <= {expected['time'].max()}" if len(expected) else "time < 0"
    query = f'SELECT * FROM "{dataset.measurement}" WHERE {span}'  # noqa: S608
    points = _read_csv(_query(query, "application/csv", url=url, bucket=bucket, token=token).content, dataset)
    if len(points) < len(expected):
        _check_json(_query(query, "application/json", url=url, bucket=bucket, token=token))
    for tag in dataset.tags:
        points[tag] = points[tag].fillna("") if tag in points else ""
    for field in dataset.field_names:
        points[field] = points[field].astype("float64") if field in points else np.nan
    return points[["time", *dataset.tags, *dataset.field_names]]


def _query(query: str, accept: str, *, url: str, bucket: str, token: str) -> requests.Response:
    """Send the query. A bucket called `db/rp` is a database and one of its retention policies."""
    database, _, policy = bucket.partition("/")
    reply = requests.get(
        f"{url}/query",
        params={"db": database, "q": query, "epoch": "ns"} | ({"rp": policy} if policy else {}),
        headers={"Authorization": f"Token {token}", "Accept": accept},
        timeout=TIMEOUT_S,
    )
    if reply.status_code != requests.codes.ok:
        raise ReadbackError(f"InfluxDB answered {reply.status_code} when its points were read: {reply.text[:500]}")
    return reply


def _check_json(reply: requests.Response) -> None:
    """Raise ReadbackError if there is an error in a reply whose status is 200."""
    try:
        content = reply.json()
        errors = [part["error"] for part in (content, *content["results"]) if "error" in part]
    except (ValueError, KeyError, TypeError) as error:
        raise ReadbackError(f"InfluxDB sent no answer when its points were read: {reply.text[:500]}") from error
    if errors:
        raise ReadbackError(f"InfluxDB answered with an error when its points were read: {errors[0]}")


def _read_csv(content: bytes, dataset: Dataset) -> pd.DataFrame:
    """Parse the reply with Arrow, which reads numbers exactly. Columns that the database lacks are absent."""
    if not content:
        return pd.DataFrame({"time": pd.Series(dtype="int64")})
    if b",time," not in content.partition(b"\n")[0]:
        raise ReadbackError(f"InfluxDB answered with an error when its points were read: {content[:500].decode()}")
    types = dict.fromkeys(dataset.field_names, pa.float64()) | dict.fromkeys(dataset.tags, pa.string())
    options = csv.ConvertOptions(column_types=types | {"time": pa.int64()})
    points: pd.DataFrame = csv.read_csv(BytesIO(content), convert_options=options).to_pandas()
    return points


def _time_ns(column: "pd.Series[pd.Timestamp]") -> "pd.Series[int]":
    """Return ns since 1970 as nullable integers. Naive times are UTC."""
    time = pd.to_datetime(column, utc=True).astype("datetime64[ns, UTC]")
    return time.astype("int64").where(time.notna()).astype("Int64")


def _tag_text(column: "pd.Series[str]") -> "pd.Series[str]":
    """Return tag values as stored: trimmed, and "" for null, an empty text or a dash."""
    text = column.astype("object").where(column.notna(), "").astype(str).str.strip()
    return text.where(text != "-", "")
