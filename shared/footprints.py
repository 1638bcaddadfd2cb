"""Footprints: which points a load planned to write, as Parquet of less than a byte a point for regular data.

ConvertAndChunk stores the footprint of each part before the first write of the load, so a load that fails has one too.
A stored footprint never changes. `FootprintWriter` encodes sorted points block by block, and `read_footprint` decodes
them.

The file has one row for each line of the part: `series` (measurement and tags as in line protocol), `time_ns`, and
`fields`, in which bit `n` is set if the line has the field `names[n]` of the file's metadata. Since the rows are sorted
by series and time, the series are runs of equal values, and the times of regular data have equal differences. The
metadata of the file have the `PointRange` of each row group. Parquet's own statistics would tell the same, but take a
third of the time for writing a footprint; earlier releases stored them.
"""

import io
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

_NAMES, _RANGES = "field_names", "ranges"
"""The keys in the metadata of the file: the fields' names, and the range of each row group; both are JSON lists."""

_SCHEMA = pa.schema(
    [
        ("series", pa.dictionary(pa.int32(), pa.string())),
        ("time_ns", pa.int64()),
        ("fields", pa.uint64()),
    ]
)


_BATCH_VALUES = 65_536
"""How many values Arrow encodes at a time: a row group, which takes less time than many small pieces of it."""


class PointBlock(NamedTuple):
    """Some lines, sorted by series and time. Two lines with the same series and time have different fields.

    Attributes:
        numbers: The position of each line's series in a list of series.
        time: The time of each line in ns.
        fields: The fields of each line: bit `n` stands for the field with the number `n`.
    """

    numbers: NDArray[np.int32]
    time: NDArray[np.int64]
    fields: NDArray[np.uint64]


class Footprint(NamedTuple):
    """The lines of one part: `points`, whose numbers are positions in `series`, and whose fields have these `names`.

    `series` are ascending, without a repetition, and each has a line: "generation_data,region=N".
    """

    series: list[str]
    names: tuple[str, ...]
    points: PointBlock


class PointRange(NamedTuple):
    """The points from the first to the last of these series and, in each of them, of these times in ns."""

    first_series: str
    last_series: str
    first_ns: int
    last_ns: int

    def overlaps(self, other: "PointRange") -> bool:
        """Return whether both ranges can have a point in common."""
        in_series = self.first_series <= other.last_series and other.first_series <= self.last_series
        return in_series and self.first_ns <= other.last_ns and other.first_ns <= self.last_ns


class FootprintWriter:
    """A footprint that is encoded block by block, in memory. Blocks continue each other: all their lines are sorted.

    Args:
        series: All series, ascending. They may include series without a line.
        names: The names of the fields.
    """

    def __init__(self, series: pa.Array, names: Sequence[str]) -> None:
        self._series = series
        self._ranges: list[PointRange] = []
        self._content = io.BytesIO()
        self._writer = pq.ParquetWriter(
            self._content,
            _SCHEMA.with_metadata({_NAMES: json.dumps(list(names))}),
            compression="zstd",
            compression_level=1,
            use_dictionary=["series", "fields"],
            column_encoding={"time_ns": "DELTA_BINARY_PACKED"},
            write_statistics=False,
            write_batch_size=_BATCH_VALUES,
        )

    def write(self, block: PointBlock) -> None:
        """Encode the next lines, of which there is at least one.

        A row group repeats the names of its series, so it gets only those from its first to its last.
        """
        first, last = int(block.numbers[0]), int(block.numbers[-1])
        names = self._series.slice(first, last - first + 1)
        times = int(block.time.min()), int(block.time.max())
        self._ranges.append(PointRange(names[0].as_py(), names[-1].as_py(), *times))
        series = pa.DictionaryArray.from_arrays(pa.array(block.numbers - np.int32(first)), names)
        columns = [series, pa.array(block.time), pa.array(block.fields)]
        self._writer.write_batch(pa.record_batch(columns, schema=_SCHEMA))

    def close(self) -> bytes:
        """Return the Parquet file."""
        self._writer.add_key_value_metadata({_RANGES: json.dumps(self._ranges)})
        self._writer.close()
        return self._content.getvalue()


def read_footprint(content: bytes, within: PointRange | None = None) -> Footprint:
    """Decode a footprint, or only the row groups that may have points of a range.

    >>> writer = FootprintWriter(pa.array(["m,t=x", "m,t=y", "m,t=z"]), ["a", "b"])
    >>> writer.write(PointBlock(np.array([0, 2, 2]), np.array([7, 7, 8]), np.array([1, 3, 2], np.uint64)))
    >>> footprint = read_footprint(writer.close())
    >>> footprint.series, footprint.names
    (['m,t=x', 'm,t=z'], ('a', 'b'))
    >>> [column.tolist() for column in footprint.points]
    [[0, 1, 1], [7, 7, 8], [1, 3, 2]]
    """
    file = pq.ParquetFile(io.BytesIO(content))
    table = file.read_row_groups(_row_groups(file.metadata, within)).unify_dictionaries().combine_chunks()
    names = tuple(json.loads(table.schema.metadata[_NAMES.encode()]))
    time, fields = (table.column(name).to_numpy() for name in ("time_ns", "fields"))
    column = table.column("series")
    if not len(column):
        return Footprint([], names, PointBlock(np.empty(0, np.int32), time, fields))
    [encoded] = column.chunks
    # The dictionary has the series in their order, but also series without a line, which get no position.
    used, numbers = renumber(encoded.indices.to_numpy(), len(encoded.dictionary))
    series = encoded.dictionary.take(pa.array(used)).to_pylist()
    return Footprint(series, names, PointBlock(numbers, time, fields))


def renumber(numbers: NDArray[np.integer], limit: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the different numbers, ascending, and the position of each number among them.

    All numbers are below `limit`. That is what makes this much faster than `np.unique`, which sorts them.

    >>> used, positions = renumber(np.array([7, 2, 7]), 10)
    >>> used.tolist(), positions.tolist()
    ([2, 7], [1, 0, 1])
    """
    is_used = np.zeros(limit, bool)
    is_used[numbers] = True
    positions = np.cumsum(is_used, dtype=np.int32) - np.int32(1)
    return np.flatnonzero(is_used), positions[numbers]


def count_lines(content: bytes) -> int:
    """Return the number of lines of a footprint, which its footer has."""
    lines: int = pq.read_metadata(io.BytesIO(content)).num_rows
    return lines


def _row_groups(metadata: pq.FileMetaData, within: PointRange | None) -> list[int]:
    """Return the row groups that may have points of a range."""
    groups = range(metadata.num_row_groups)
    if within is None:
        return list(groups)
    stored = (metadata.metadata or {}).get(_RANGES.encode())
    ranges: Mapping[int, PointRange | None] = (
        {group: PointRange(*each) for group, each in enumerate(json.loads(stored))}
        if stored
        else {group: _range_of(metadata.row_group(group)) for group in groups}
    )
    return [group for group, range_ in ranges.items() if range_ is None or within.overlaps(range_)]


def _range_of(group: pq.RowGroupMetaData) -> PointRange | None:
    """Return the range by Parquet's statistics, which one earlier release stored; None without any."""
    series, time = (group.column(column).statistics for column in range(2))
    if not (series and time and series.has_min_max and time.has_min_max):
        return None
    return PointRange(series.min, series.max, time.min, time.max)
