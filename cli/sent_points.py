"""The points that a load sent, parsed from line protocol without a Python loop over lines.

`parse_lines` turns the lines of a chunk into an array with one element per line. `SentPoints` collects them in files of
a temporary folder, one per window of time (`Spool`), and returns them window by window, so memory holds only a part of
a load: a chunk while it is parsed, and a window while it is compared.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cli.errors import RefusedError
from cli.spool import Points, Spool, points_type

PIECE_LINES = 25_000
"""How many lines to parse at a time: parsing takes many times the memory of their text."""


@dataclass
class SeriesTable:
    """All series of a load, numbered in the order in which they occur.

    `names` are measurement and tags as in line protocol; `numbers` has the position of each name.
    """

    names: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    _tags: dict[int, dict[str, str]] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """Return the number of a series, which is added if it is new."""
        number = self.numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number

    def tags(self, number: int) -> dict[str, str]:
        r"""Return the tags of a series, unescaped.

        A backslash in front of a comma always escapes it: conversion sets aside values where it would not.

        >>> table = SeriesTable()
        >>> table.tags(table.number(r"m,plant=A\,B,region=S\ E"))
        {'plant': 'A,B', 'region': 'S E'}
        """
        if number not in self._tags:
            pairs = (pair.partition("=") for pair in re.split(r"(?<!\\),", self.names[number])[1:])
            self._tags[number] = {tag: re.sub(r"\\([,= ])", r"\1", value) for tag, _, value in pairs}
        return self._tags[number]


def parse_lines(lines: pa.StringArray, fields: Sequence[str], table: SeriesTable) -> Points:
    r"""Parse lines of line protocol as the loader writes it.

    Tag values may contain spaces, but fields and times do not: the last two spaces of a line separate its three parts.

    >>> points = parse_lines(pa.array([r"m,t=x\ y a=1.5,b=2.0 10", "m,t=z b=4.0 11"]), ["a", "b"], SeriesTable())
    >>> points["time"].tolist(), points["series"].tolist(), points["values"].tolist()
    ([10, 11], [0, 1], [[1.5, 2.0], [nan, 4.0]])

    Raises:
        RefusedError: A line has a field that is not one of `fields`.
    """
    points = np.empty(len(lines), points_type(fields))
    if not len(lines):
        return points
    names, pairs, times = _columns(pc.split_pattern(lines, " ", max_splits=2, reverse=True), 3)
    points["time"] = times.cast(pa.int64()).to_numpy()
    encoded = names.dictionary_encode()
    numbers = np.array([table.number(name) for name in encoded.dictionary.to_pylist()], np.int32)
    points["series"] = numbers[encoded.indices.to_numpy()]
    points["values"] = _parse_fields(pairs, fields)
    return points


def _parse_fields(pairs: pa.StringArray, fields: Sequence[str]) -> NDArray[np.float64]:
    """Parse the second part of each line.

    Example with the fields a and b: "a=1.5,b=2.0" and "b=4.0" become the rows 0, 0, 1, the fields 0, 1, 1 and the
    values 1.5, 2.0, 4.0. Field a of row 1 stays NaN.
    """
    split = pc.split_pattern(pairs, ",")
    rows = np.repeat(np.arange(len(pairs)), pc.list_value_length(split).to_numpy())
    names, texts = _columns(pc.split_pattern(pc.list_flatten(split), "="), 2)
    columns = pc.index_in(names, value_set=pa.array(fields, pa.string()))
    if columns.null_count:
        unknown = names.filter(pc.is_null(columns)).unique().to_pylist()
        raise RefusedError(f"the load sent fields that its dataset no longer declares: {', '.join(unknown)}")
    values = np.full((len(pairs), len(fields)), np.nan)
    # InfluxDB returns -0.0 as 0, and the hashes of the two differ: -0.0 + 0.0 is 0.0.
    values[rows, columns.to_numpy()] = texts.cast(pa.float64()).to_numpy() + 0.0
    return values


def _columns(lists: pa.ListArray, count: int) -> list[Any]:
    """Return the first, second, … elements of lists that all have `count` elements."""
    flat = pc.list_flatten(lists)
    return [flat.take(pa.array(np.arange(first, len(flat), count))) for first in range(count)]


class SentPoints:
    """The points of a load.

    Args:
        fields: The fields of its dataset.
        folder: An empty folder for temporary files.
        width_ns: The width of a window.
        windows: The numbers of the windows to keep (time // width_ns); None keeps all.
    """

    def __init__(
        self, fields: Sequence[str], folder: Path, width_ns: int, windows: frozenset[int] | None = None
    ) -> None:
        self.fields, self.width_ns, self.table = tuple(fields), width_ns, SeriesTable()
        self._windows = None if windows is None else np.array(sorted(windows), np.int64)
        self._spool = Spool(folder, width_ns, points_type(fields))
        self.lines = 0

    def add(self, chunks: Iterable[pa.StringArray]) -> None:
        """Add the lines of chunks."""
        pieces = (lines.slice(first, PIECE_LINES) for lines in chunks for first in range(0, len(lines), PIECE_LINES))
        for lines in pieces:
            points = parse_lines(lines, self.fields, self.table)
            if self._windows is not None:
                points = points[np.isin(points["time"] // self.width_ns, self._windows)]
            self.lines += len(points)
            self._spool.add(points)

    def blocks(self, max_points: int) -> Iterator[Points]:
        """Yield the points, each once and sorted by time, in blocks of at most `max_points`. This consumes them."""
        pending: list[Points] = []
        for points in self._spool.read():
            pending.append(merge_repetitions(points))
            if sum(map(len, pending)) >= max_points:
                *blocks, rest = _slices(pending, max_points)
                yield from blocks
                pending = [rest]
        yield from _slices(pending, max_points)


def merge_repetitions(points: Points) -> Points:
    """Sort points by time, and merge those of one series and time: the last value of each field counts, as in InfluxDB.

    >>> lines = pa.array(["m a=1.0,b=2.0 10", "m a=3.0 10", "m a=0.5 9"])
    >>> merged = merge_repetitions(parse_lines(lines, ["a", "b"], SeriesTable()))
    >>> merged["time"].tolist(), merged["values"].tolist()
    ([9, 10], [[0.5, nan], [3.0, 2.0]])
    """
    points = points[np.lexsort((points["series"], points["time"]))]  # stable: repetitions stay in order
    is_new = np.ones(len(points), bool)
    is_new[1:] = (np.diff(points["time"]) != 0) | (np.diff(points["series"]) != 0)
    if is_new.all():
        return points
    values = _last_values(points["values"], np.flatnonzero(is_new))
    points = points[is_new]
    points["values"] = values
    return points


def _last_values(values: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the last value of each column in each group of rows, which begin at `starts`; NaN does not count.

    Example: the rows (1, 2), (3, NaN), and (0.5, NaN) in groups that begin at 0 and 2 become (3, 2) and (0.5, NaN). The
    last rows with a value are 1 and 0 in the first group, and 2 and none in the second, whose first row is then taken.
    """
    has_value = ~np.isnan(values)
    rows = np.where(has_value, np.arange(len(values))[:, np.newaxis], -1)
    last = np.maximum(np.maximum.reduceat(rows, starts), starts[:, np.newaxis])
    return np.take_along_axis(values, last, axis=0)


def _slices(pending: list[Points], max_points: int) -> Iterator[Points]:
    """Yield slices of at most `max_points`, of which each ends with the last point of a time if that is possible.

    A query for a time that is cut in two would return the points of all series twice.
    """
    points = np.concatenate(pending) if pending else np.empty(0, [("time", np.int64)])
    first, times = 0, points["time"].copy()
    while first < len(points):
        end = first + max_points
        if end < len(points) and (boundary := int(np.searchsorted(times, times[end]))) > first:
            end = boundary
        yield points[first:end]
        first = end
