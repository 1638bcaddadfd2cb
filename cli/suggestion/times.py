"""The column of times: which one it is, and the zone or unit that its values are in.

`find_time` ranks the columns that can be read as times. `choose_zone` looks for the hours that clocks skip, which are
the only trace that a time zone leaves in local times.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal, NamedTuple, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import types

from cli.errors import RefusedError
from functions.convert_and_chunk.columns.timestamps import has_local_times, timestamps
from shared.column_types import is_text
from shared.datasets import SHIPPED_DATASETS, Dataset
from shared.near_misses import is_time_name, is_time_of_file
from shared.plausible_times import plausible_units, time_limits

ZONES = (
    "America/Sao_Paulo",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Europe/London",
    "Europe/Brussels",
    "Europe/Helsinki",
    "Australia/Sydney",
)
"""The zones to look for: those of large power grids whose clocks change or changed."""

EXAMINED = 1_000
"""The number of different texts to examine for whether a column holds times."""

_LATER_CHANGE = re.compile("chang|modif|insert|receiv|publi|record|version")
"""Words in the names of times at which a row changed, in addition to those that validation knows."""


Epoch = Literal["s", "ms", "us", "ns"]


class TimeColumn(NamedTuple):
    """The column of times.

    Attributes:
        name: the name of the column.
        epoch: the unit of integers; None for other types.
        is_local: whether a value names no zone.
        others: the other columns of times.
    """

    name: str
    epoch: Epoch | None
    is_local: bool
    others: tuple[str, ...]


def find_time(table: pa.Table) -> TimeColumn:
    """Return the column that most probably says when something was measured.

    Raises:
        RefusedError: No column can be read as times.
    """
    epochs = {name: _epoch(table[name], name) for name in table.column_names}
    names = [name for name in table.column_names if epochs[name] or _holds_times(table[name])]
    if not names:
        raise RefusedError(
            "no column holds times: the loader reads timestamps, dates, ISO 8601 text such as 2024-01-31T12:00, and "
            "integers since 1970 in a column that is named like a time"
        )
    best = max(names, key=lambda name: _rank(name, table[name].type))
    is_local = any(has_local_times(chunk) for chunk in table[best].chunks) and not epochs[best]
    return TimeColumn(best, epochs[best], is_local, tuple(name for name in names if name != best and not epochs[name]))


def times_of(column: pa.ChunkedArray, time: TimeColumn, zone: str) -> NDArray[np.int64]:
    """Return the different times of a column in ns since 1970 UTC, sorted, without those that cannot be read."""
    values = pc.unique(column)
    ns, ns_problems = timestamps(values, replace(_any_dataset(), zone=zone, epoch=time.epoch))
    unreadable = np.any([problem.rows for problem in ns_problems], axis=0) if ns_problems else np.zeros(len(ns), bool)
    return np.unique(ns[~unreadable])


def choose_zone(column: pa.ChunkedArray, time: TimeColumn, zone: str) -> tuple[str, str]:
    """Return the zone of local times, and why it is that one.

    Args:
        column: the times.
        time: what is known about them.
        zone: the zone that the operator named, or "".
    """
    if zone or not time.is_local:
        return zone or "UTC", "The times name no zone, so they are read in the one that you named."
    if re.search(r"utc|gmt", time.name.casefold()):
        return "UTC", "The name of the column says that its times are in this zone."
    zones = _find_zones(times_of(column, time, "UTC"))
    if len(zones) == 1:
        return zones[0], "The times name no zone, but they lack the hours that the clocks of this one skip."
    if zones:
        return "UTC", f"The times name no zone. They lack the hours that clocks skip in {', '.join(zones)}: choose one."
    return "UTC", "The times name no zone, and nothing in them tells it. If they are local times, name their zone here."


def _find_zones(local_ns: NDArray[np.int64]) -> list[str]:
    """Return the zones whose clocks skip exactly the hours that local times lack.

    A zone is evidence only if the same hour exists on the day before and the day after.

    Args:
        local_ns: the different local times, in ns since 1970 as if they were UTC.
    """
    hours = pd.DatetimeIndex(local_ns).floor("h").unique()
    return [zone for zone in ZONES if len(hours) and _skips(hours, zone)]


def _skips(hours: pd.DatetimeIndex, zone: str) -> bool:
    grid = pd.date_range(hours[0], hours[-1], freq="h")
    skipped = grid[grid.tz_localize(zone, nonexistent="NaT", ambiguous=np.ones(len(grid), bool)).isna()]
    day = pd.Timedelta(days=1)
    observed = (skipped - day).isin(hours) & (skipped + day).isin(hours)
    return bool(observed.any()) and not skipped.isin(hours).any()


def _epoch(column: pa.ChunkedArray, name: str) -> Epoch | None:
    """Return the unit in which integers of a column that is named like a time are plausible times, or None."""
    named = is_time_name(name) or re.search("epoch|unix", name.casefold())
    if not (named and types.is_integer(column.type)) or column.null_count == len(column):
        return None
    first, last = pc.min_max(column).as_py().values()
    limits = time_limits(_any_dataset(), int(datetime.now(UTC).timestamp()))
    units = {unit for unit, _ in plausible_units(first, last, limits)}
    return next((unit for unit in get_args(Epoch) if unit in units), None)


def _holds_times(column: pa.ChunkedArray) -> bool:
    """Return whether the loader can read the first values of a column as times."""
    if types.is_timestamp(column.type) or types.is_date(column.type):
        return True
    if not is_text(column.type):
        return False
    texts = pc.drop_null(pc.unique(column)).slice(0, EXAMINED)
    return len(texts) > 0 and not timestamps(texts, _any_dataset())[1]


def _rank(name: str, kind: pa.DataType) -> tuple[bool, bool, bool]:
    later = is_time_of_file(name) or _LATER_CHANGE.search(name.casefold())
    return not later, is_time_name(name), types.is_timestamp(kind)


def _any_dataset() -> Dataset:
    """Return a declaration to read times with; only its zone and epoch matter."""
    return next(iter(SHIPPED_DATASETS.values()))
