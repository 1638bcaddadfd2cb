"""Values of points as a model of what InfluxDB stores, their footprints, and the replies of DeletePoints."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from shared.footprints import Footprint, PointBlock
from shared.series_keys import series_name
from tests.support.influx_api import InfluxApi

HOUR = 3600 * 10**9
START = 1_700_000_000 * 10**9 // HOUR * HOUR

Values = dict[tuple[str, int, str], float]
"""The value of each field: by the tags as in line protocol, the hour since `START`, and the name of the field."""


def lines_of(values: Mapping[tuple[str, int, str], float], measurement: str) -> bytes:
    """Return line protocol, one line for each value."""
    lines = (
        f"{measurement},{tags} {field}={value} {START + hour * HOUR}" for (tags, hour, field), value in values.items()
    )
    return "\n".join(lines).encode()


def footprint_of(values: Mapping[tuple[str, int, str], float], measurement: str) -> Footprint:
    """Return the footprint of these values, with one line for each point."""
    names = tuple(sorted({field for _, _, field in values}))
    masks: dict[tuple[str, int], int] = {}
    for tags, hour, field in values:
        point = (f"{measurement},{tags}", START + hour * HOUR)
        masks[point] = masks.get(point, 0) | 1 << names.index(field)
    series = sorted({name for name, _ in masks})
    points = sorted(masks)
    numbers = np.array([series.index(name) for name, _ in points], np.int32)
    times = np.array([time for _, time in points], np.int64)
    return Footprint(series, names, PointBlock(numbers, times, np.array([masks[point] for point in points], np.uint64)))


def stored_values(api: InfluxApi) -> Values:
    """Return all values of the measurement."""
    (result,) = api.query(f'SELECT * FROM "{api.series}" GROUP BY *').json()["results"]  # noqa: S608
    stored: Values = {}
    for series in result.get("series", []):
        tags = series_name("", tuple(series["tags"].items())).removeprefix(",")
        for time, *row in series["values"]:
            fields = zip(series["columns"][1:], row, strict=True)
            stored |= {(tags, (time - START) // HOUR, name): value for name, value in fields if value is not None}
    return stored


def state(**changes: Any) -> Any:
    """Return how a deletion ended that removed five points."""
    counts = {"requests": 2, "finished": 2, "removed": 5, "rewritten": 3, "restored": 0, "seconds": 0.5}
    return {"status": "done", **counts, "foreign": [], "doubts": [], "waits_for": [], **changes}
