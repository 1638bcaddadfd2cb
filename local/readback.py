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

from local.expected_points import expected_points
from shared.datasets import Dataset

TIMEOUT_S = 120
MAX_DIFFERENCES_SHOWN = 5
"""How many differences are spelled out; all of them are counted."""


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


def compare(path: Path, dataset: Dataset, *, url: str, bucket: str, token: str, key: str = "") -> Comparison:
    """Compare a Parquet file with the points in `bucket`. Values must be equal to the last bit.

    `key` is the file's key in the source bucket, which has the values of the dataset's path tags.
    """
    expected = expected_points(path, dataset, key)
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
