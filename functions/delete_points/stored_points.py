"""The points that InfluxDB stores in the range of a request, read for a before-image.

An incomplete image would lose points for good. So queries are for JSON, whose replies contain errors, and each is for a
window in which footprints have few points. A reply with many more points than that has points of other writers.
"""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from functions.delete_points.before_image import make_image
from shared.errors import InfluxUnavailableError
from shared.influx import Influx
from shared.influx_answers import HttpReply, interpret, server_message
from shared.series_keys import Tags, series_name

WINDOW_POINTS = 5_000
"""How many points of footprints a window has, if they do not all have the same time."""

SERIES_LIMIT = 9_000
"""The most points of one series in a reply, below the 10,000 rows that some servers limit a reply to. A series with
that many has points that no footprint has.
"""


SINGLE, DOUBLE = "'", '"'
"""InfluxQL's quotation marks of texts and of names."""


class StoredRange(NamedTuple):
    """What InfluxDB stores: the points with their values of the loader's fields, and the first values of other ones."""

    image: pa.Table
    unknown: list[str]


class PointQuery(NamedTuple):
    """The points to read: a measurement in a bucket, the tags that a series must have, and the known fields."""

    bucket: str
    measurement: str
    tags: Tags
    names: Sequence[str]


def read_range(
    influx: Influx, query: PointQuery, expected: NDArray[np.int64], first_ns: int, last_ns: int
) -> StoredRange:
    """Return all stored points from the first to the last time.

    Args:
        influx: The server.
        query: The points.
        expected: The times of all points that footprints have in this range, sorted.
        first_ns: The first time.
        last_ns: The last time, which is included.

    Raises:
        InfluxUnavailableError: A reply is missing, incomplete, or an error, so nothing may be deleted.
    """
    series, times, values, unknown = [], [], [], list[str]()
    for window in _windows(expected, first_ns, last_ns):
        for result in series_of(influx.query(_influxql(query, *window), bucket=query.bucket)):
            name = series_name(query.measurement, tuple(result.get("tags", {}).items()))
            columns = dict(zip(result["columns"], zip(*result["values"], strict=True), strict=True))
            times.append(pa.array(columns.pop("time"), pa.int64()))
            series.append(pa.array([name] * len(times[-1]), pa.string()))
            values.append([_floats(columns, field, len(times[-1])) for field in query.names])
            unknown += _unknown_values(name, columns, query.names)
    return StoredRange(make_image(series, times, values, query.names), unknown)


def _floats(columns: Mapping[str, Sequence[Any]], field: str, length: int) -> pa.Array:
    values = columns.get(field, [None] * length)
    return pa.array([value if value is None else float(value) for value in values], pa.float64())


def _unknown_values(series: str, columns: Mapping[str, Sequence[Any]], names: Sequence[str]) -> Iterator[str]:
    """Yield each field with a value that is not one of the loader's, or not a number as the loader writes them."""
    for field, values in columns.items():
        is_number = all(value is None or type(value) in (int, float) for value in values)
        if (field not in names and any(value is not None for value in values)) or not is_number:
            yield f"{series} {field}"


def _windows(expected: NDArray[np.int64], first_ns: int, last_ns: int) -> Iterator[tuple[int, int]]:
    """Yield windows that together are the whole range.

    >>> list(_windows(np.arange(12_000), -5, 20_000))
    [(-5, 4999), (5000, 9999), (10000, 20000)]
    """
    times = np.unique(expected[WINDOW_POINTS::WINDOW_POINTS])
    starts = [int(time) for time in times if time > first_ns]
    yield from zip([first_ns, *starts], [*(start - 1 for start in starts), last_ns], strict=True)


def _influxql(query: PointQuery, first_ns: int, last_ns: int) -> str:
    # Without ::tag, the name of a field means the field, and the condition would match none of the points.
    tags = "".join(f" AND {quote(tag, DOUBLE)}::tag = {quote(value, SINGLE)}" for tag, value in query.tags)
    measurement, where = quote(query.measurement, DOUBLE), f"time >= {first_ns} AND time <= {last_ns}{tags}"
    return f"SELECT * FROM {measurement} WHERE {where} GROUP BY * LIMIT {SERIES_LIMIT}"  # noqa: S608 - all is quoted


def series_of(reply: HttpReply) -> list[dict[str, Any]]:
    """Return the series of a reply. Raise InfluxUnavailableError if it is an error or may be incomplete."""
    content = reply.data
    if reply.exception is not None or reply.status != HTTPStatus.OK:
        raise interpret(reply).exception("cannot read points")
    results = content.get("results") if isinstance(content, dict) else None
    if not results or any("error" in part for part in (content, *results)):
        raise InfluxUnavailableError(f"cannot read points: InfluxDB answered with {server_message(content)}")
    series = [series for result in results for series in result.get("series", [])]
    if any(part.get("partial") for part in (*results, *series)):
        raise InfluxUnavailableError("cannot read points: InfluxDB shortened its reply, raise its max-row-limit")
    return series


def quote(text: str, mark: str) -> str:
    """Return a text, or a name, as InfluxQL quotes it."""
    escaped = text.replace("\\", "\\\\").replace(mark, f"\\{mark}")
    return f"{mark}{escaped}{mark}"
