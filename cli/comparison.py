"""Values that were sent beside values that are stored, window of time by window."""

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
NAMED = 5
"""Differences that are spelled out for a window; all are counted."""

KEY = ["series", "time", "field"]
Value = tuple[int, int, int, float]
"""Number of the series, time in ns, number of the field, value."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """From `first_ns` up to, not including, `end_ns`. The hashes do not depend on an order."""

    first_ns: int
    end_ns: int
    sent: int
    found: int
    sent_hash: str
    found_hash: str
    missing: int
    changed: int
    differences: list[str]

    @property
    def equal(self) -> bool:
        """Every value that was sent is there as it was sent."""
        return (self.sent, self.sent_hash) == (self.found, self.found_hash)


class Sent(NamedTuple):
    """`values` has the columns series, time (ns), field and value, one row a value; series and fields are numbered."""

    values: pd.DataFrame
    series: list[str]
    fields: tuple[str, ...]


def values_of(chunks: Iterable[list[bytes]], fields: tuple[str, ...]) -> Sent:
    """Of lines; of a repeated value the last."""
    series: dict[str, int] = {}
    numbers = {name: number for number, name in enumerate(fields)}
    frames = [_frame(_values(line, series, numbers) for line in lines) for lines in chunks]
    return Sent(pd.concat(frames).drop_duplicates(KEY, keep="last"), list(series), fields)


def _values(line: bytes, series: dict[str, int], fields: dict[str, int]) -> list[Value]:
    """Field names and floats hold no space, so the last two are the separators."""
    name, pairs, time = line.decode().rsplit(" ", 2)
    number, time_ns = series.setdefault(name, len(series)), int(time)
    values = (pair.split("=") for pair in pairs.split(","))
    return [(number, time_ns, fields[field], float(value)) for field, value in values]


def _frame(rows: Iterable[list[Value]]) -> pd.DataFrame:
    """-0.0 is read back as 0, so it becomes that."""
    frame = pd.DataFrame(chain.from_iterable(rows), columns=[*KEY, "value"])
    frame = frame.astype({"series": "int32", "time": "int64", "field": "int8", "value": "float64"})
    return frame.assign(value=frame["value"] + 0.0)


def width_for(first_ns: int, last_ns: int, bucket_ns: int) -> int:
    """That of the report's buckets, doubled until there are not too many windows."""
    while last_ns // bucket_ns - first_ns // bucket_ns >= MAX_WINDOWS:
        bucket_ns *= 2
    return bucket_ns


def windows(sent: Sent, width_ns: int, dataset: Dataset, influx: Influx, bucket: str) -> Iterator[Window]:
    """Each window in which something was sent; what other loads wrote there is left alone."""
    numbers = {name: number for number, name in enumerate(sent.series)}
    for window, here in sent.values.groupby(sent.values["time"] // width_ns):
        first_ns = int(window) * width_ns
        rows = _stored(dataset, first_ns, first_ns + width_ns, influx, bucket)
        stored = _frame(_known(series, numbers) for series in rows)
        both = here.merge(stored, on=KEY, how="left", suffixes=("", "_found"))
        yield _compared(both, sent, first_ns, first_ns + width_ns)


def _compared(both: pd.DataFrame, sent: Sent, first_ns: int, end_ns: int) -> Window:
    there = both["value_found"].notna()
    differs = both[both["value"] != both["value_found"]]
    return Window(
        first_ns=first_ns,
        end_ns=end_ns,
        sent=len(both),
        found=int(there.sum()),
        sent_hash=_hash(both, "value", sent.series),
        found_hash=_hash(both[there], "value_found", sent.series),
        missing=int((~there).sum()),
        changed=len(differs) - int((~there).sum()),
        differences=[_told(row, sent) for row in differs.head(NAMED).to_dict("records")],
    )


def _hash(values: pd.DataFrame, column: str, series: list[str]) -> str:
    """The sum of the values' own hashes, each of its series' name, time, field and value."""
    names = hash_array(np.array(series, object)[values["series"]])
    hashed = hash_pandas_object(values[["time", "field", column]].assign(series=names), index=False)
    return f"{int(hashed.sum()):016x}"


def _told(row: dict[Any, Any], sent: Sent) -> str:
    found = "is missing" if pd.isna(row["value_found"]) else f"is {row['value_found']!r}"
    return (
        f"{sent.series[row['series']]} {sent.fields[row['field']]} at {row['time']}: {row['value']!r} was sent, {found}"
    )


def _stored(dataset: Dataset, first_ns: int, end_ns: int, influx: Influx, bucket: str) -> Iterator[dict[str, Any]]:
    """What InfluxDB answers, series by series. Raises what the table of outcomes says."""
    fields = ", ".join(f'"{name}"' for name in dataset.field_names)
    span = f"time >= {first_ns} AND time < {end_ns}"
    query = f'SELECT {fields} FROM "{dataset.measurement}" WHERE {span} GROUP BY *'  # noqa: S608 - our own names
    reply = influx.get("/query", db=bucket, q=query, epoch="ns")
    if reply.status != HTTPStatus.OK or not isinstance(reply.data, dict):
        raise interpret(reply).exception("reading back")
    return (series for result in reply.data["results"] for series in result.get("series", []))


def _known(found: dict[str, Any], numbers: dict[str, int]) -> list[Value]:
    """The values of a series of ours; none of any other."""
    tags = sorted(found.get("tags", {}).items())
    name = found["name"] + "".join(render_tag(tag, value, required=False)[0] for tag, value in tags)
    number = numbers.get(name)
    if number is None:
        return []
    return [
        (number, time, field, float(value))
        for time, *values in found["values"]
        for field, value in enumerate(values)
        if value is not None
    ]
