"""A comparison of the values that a load sent with the values that InfluxDB stores.

`parse_lines` turns line protocol into a table with one row per value. `compare_windows` then goes through time in
windows of equal width: it queries InfluxDB for each, joins the stored values with the sent ones, and counts what is
missing or changed. Values of other loads in the same window are ignored.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.util import hash_array, hash_pandas_object

from functions.convert_and_chunk.columns.tags import render_tag
from shared.datasets import Dataset
from shared.influx import Influx
from shared.influx_answers import interpret

MAX_WINDOWS = 256
MAX_EXAMPLES = 5
"""How many differences of a window are described; all are counted."""

KEY = ["series", "time", "field"]
Value = tuple[int, int, int, float]
"""The number of the series, the time in ns, the number of the field, and the value."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """The comparison of one window, from `first_ns` up to but not including `end_ns`.

    `sent` and `stored` count values. Both hashes are independent of the order of the values.
    """

    first_ns: int
    end_ns: int
    sent: int
    stored: int
    sent_hash: str
    stored_hash: str
    missing: int
    changed: int
    differences: list[str]

    @property
    def equal(self) -> bool:
        """True if InfluxDB stores every value as it was sent."""
        return (self.sent, self.sent_hash) == (self.stored, self.stored_hash)


class SentValues(NamedTuple):
    """All values of a load.

    `values` has one row per value and the columns series, time (ns), field and value. The numbers in series and field
    are positions in `series` (measurement and tags, as in line protocol) and `fields`.
    """

    values: pd.DataFrame
    series: list[str]
    fields: tuple[str, ...]


def parse_lines(chunks: Iterable[list[bytes]], fields: tuple[str, ...]) -> SentValues:
    """Read the values in lines of line protocol; if one is repeated, the last, as InfluxDB does.

    Example with the fields ("a", "b"):

        m,t=x a=1,b=2 10      series  time  field  value
        m,t=x a=3 10               0    10      1    2.0
        m,t=y b=4 10               0    10      0    3.0   overwrites a=1
                                   1    10      1    4.0
    """
    series: dict[str, int] = {}
    numbers = {name: number for number, name in enumerate(fields)}
    frames = [_frame(_parse_line(line, series, numbers) for line in lines) for lines in chunks]
    return SentValues(pd.concat(frames).drop_duplicates(KEY, keep="last"), list(series), fields)


def _parse_line(line: bytes, series: dict[str, int], fields: dict[str, int]) -> list[Value]:
    # Tag values may contain spaces, but field names and floats do not: the last two spaces separate the three parts.
    name, pairs, time = line.decode().rsplit(" ", 2)
    number, time_ns = series.setdefault(name, len(series)), int(time)
    values = (pair.split("=") for pair in pairs.split(","))
    return [(number, time_ns, fields[field], float(value)) for field, value in values]


def _frame(rows: Iterable[list[Value]]) -> pd.DataFrame:
    frame = pd.DataFrame(chain.from_iterable(rows), columns=[*KEY, "value"])
    frame = frame.astype({"series": "int32", "time": "int64", "field": "int8", "value": "float64"})
    # InfluxDB returns -0.0 as 0, and the hashes of the two differ: -0.0 + 0.0 is 0.0.
    return frame.assign(value=frame["value"] + 0.0)


def width_for(first_ns: int, last_ns: int, bin_ns: int) -> int:
    """Return the width of a window: that of the report's bins, doubled until there are at most MAX_WINDOWS windows."""
    width_ns = bin_ns
    while last_ns // width_ns - first_ns // width_ns >= MAX_WINDOWS:
        width_ns *= 2
    return width_ns


def compare_windows(sent: SentValues, width_ns: int, dataset: Dataset, influx: Influx, bucket: str) -> Iterator[Window]:
    """Yield the comparison of each window in which the load sent a value."""
    numbers = {name: number for number, name in enumerate(sent.series)}
    for window, values in sent.values.groupby(sent.values["time"] // width_ns):
        first_ns = int(window) * width_ns
        rows = _query_window(dataset, first_ns, first_ns + width_ns, influx, bucket)
        stored = _frame(_own_values(series, numbers) for series in rows)
        # A left join: every sent value with the stored one beside it, or NaN; values of other loads drop out.
        both = values.merge(stored, on=KEY, how="left", suffixes=("", "_stored"))
        yield _compare(both, sent, first_ns, first_ns + width_ns)


def _compare(both: pd.DataFrame, sent: SentValues, first_ns: int, end_ns: int) -> Window:
    is_stored = both["value_stored"].notna()
    differs = both[both["value"] != both["value_stored"]]  # NaN differs from every value
    missing = int((~is_stored).sum())
    return Window(
        first_ns=first_ns,
        end_ns=end_ns,
        sent=len(both),
        stored=int(is_stored.sum()),
        sent_hash=_hash(both, "value", sent.series),
        stored_hash=_hash(both[is_stored], "value_stored", sent.series),
        missing=missing,
        changed=len(differs) - missing,
        differences=[_describe(row, sent) for row in differs.head(MAX_EXAMPLES).to_dict("records")],
    )


def _hash(values: pd.DataFrame, column: str, series: list[str]) -> str:
    """Return the sum of one hash per value, which covers the name of its series, its time, field and value.

    A sum does not depend on the order, and the names (not their numbers) make the hashes of different loads comparable.
    """
    names = hash_array(np.array(series, object)[values["series"]])
    hashes = hash_pandas_object(values[["time", "field", column]].assign(series=names), index=False)
    return f"{int(hashes.sum()):016x}"


def _describe(row: dict[Any, Any], sent: SentValues) -> str:
    name, field, time = sent.series[row["series"]], sent.fields[row["field"]], row["time"]
    stored = "is missing" if pd.isna(row["value_stored"]) else f"is now {row['value_stored']!r}"
    return f"{name} {field} at {time}: {row['value']!r} was sent, {stored}"


def _query_window(
    dataset: Dataset, first_ns: int, end_ns: int, influx: Influx, bucket: str
) -> Iterator[dict[str, Any]]:
    """Query all series of a measurement in a window. Raises the LoaderError that InfluxDB's reply stands for."""
    fields = ", ".join(f'"{name}"' for name in dataset.field_names)
    condition = f"time >= {first_ns} AND time < {end_ns}"
    query = f'SELECT {fields} FROM "{dataset.measurement}" WHERE {condition} GROUP BY *'  # noqa: S608 - our own names
    reply = influx.get("/query", db=bucket, q=query, epoch="ns")
    if reply.status != HTTPStatus.OK or not isinstance(reply.data, dict):
        raise interpret(reply).exception("reading back")
    return (series for result in reply.data["results"] for series in result.get("series", []))


def _own_values(series: dict[str, Any], numbers: dict[str, int]) -> list[Value]:
    """Return the values of a series from a reply; [] if the load did not send this series."""
    tags = sorted(series.get("tags", {}).items())
    name = series["name"] + "".join(render_tag(tag, value, required=False)[0] for tag, value in tags)
    number = numbers.get(name)
    if number is None:
        return []
    return [
        (number, time, field, float(value))
        for time, *values in series["values"]
        for field, value in enumerate(values)
        if value is not None
    ]
