"""The records of one part as arrays, one entry per row, and the rules that set rows aside.

`Records.append` converts one record batch after the other: times, series and fields, each judged on its own. When all
rows of the part are there, `Records.settle_series` and then `Records.judge_repeated_points` compare them. Rows that are
set aside stay in the arrays; `verdicts` tells which rows become lines.
"""

from collections import Counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from functions.convert_and_chunk.collisions import RepeatedPoints, find_repeated_points
from functions.convert_and_chunk.columns.long_layout import spread
from functions.convert_and_chunk.columns.numbers import Numbers, numbers
from functions.convert_and_chunk.columns.series import Series
from functions.convert_and_chunk.columns.timestamps import has_local_times, timestamps
from functions.convert_and_chunk.footprint import PartFootprint, encode_footprint, sort_series
from functions.convert_and_chunk.point_order import Lines, SortedPoints, sort_points
from functions.convert_and_chunk.verdicts import COLLAPSED, LINE, Problem, Reason, Verdicts, problems
from shared.datasets import Dataset
from shared.losing_rows import NO_LOSING_ROWS, LosingRows
from shared.plausible_times import NO_LIMITS, TimeLimits
from shared.schema import Columns
from shared.stored import COLLISION, COLLISION_REASON

_NO_FIELD = Reason("no_field", "no field has a finite value")
ALL_NULL = Reason("no_field", "all fields are null")
_COLLISION = Reason(COLLISION, COLLISION_REASON)


class Records:
    """All records of a part: for each row a series number, a time in ns, and a double per field, NaN for no value.

    The whole part is in memory, 12 bytes and 8 per field for each row, since a later row may contradict an earlier one.
    """

    def __init__(
        self, dataset: Dataset, columns: Columns, rows: int, *, validate: bool, limits: TimeLimits = NO_LIMITS
    ) -> None:
        self.dataset, self.columns, self.rows = dataset, columns, rows
        self._next_row = 0
        self._validate = validate
        self._limits = limits
        self._implausible = Reason("implausible_time", f"{dataset.timestamp} is not between {limits}")
        self.local_times = False
        self.verdicts = Verdicts(rows)
        self.tag_sets = Series(dataset, columns.tags, self.verdicts, validate=validate)
        self.series = np.empty(rows, np.int32)
        self.time = np.empty(rows, np.int64)
        self.fields = {name: np.empty(rows, np.float64) for name in sorted(columns.fields)}
        self.left_out: Counter[str] = Counter()
        self._points: SortedPoints | None = None

    def append(self, batch: pa.RecordBatch) -> None:
        """Convert and judge the next record batch, whose columns have the names of the dataset.

        The order of the rules counts: a row is set aside for the first reason only.
        """
        rows = slice(self._next_row, self._next_row + batch.num_rows)
        self._next_row = rows.stop
        times = batch.column(self.dataset.timestamp)
        self.local_times = self.local_times or has_local_times(times)
        self.time[rows], time_problems = timestamps(times, self.dataset)
        self.verdicts.add(rows, [*time_problems, *self._implausible_times(self.time[rows])])
        self.series[rows] = self.tag_sets.numbers(batch, rows)
        columns, field_problems = self._fields(batch)
        self.verdicts.add(rows, field_problems)
        no_field = np.ones(batch.num_rows, bool)
        for name, (values, not_finite, _) in columns.items():
            self.fields[name][rows] = values
            self.left_out[name] += int(np.count_nonzero(not_finite))
            no_field &= np.isnan(values)
        if no_field.any():
            has_value = np.logical_or.reduce([column.not_finite for column in columns.values()])
            self.verdicts.add(rows, [*problems(no_field & ~has_value, ALL_NULL), Problem(no_field, _NO_FIELD)])

    def settle_series(self) -> None:
        """Give equal tag sets the same series number, once all rows are there."""
        self.series = self.tag_sets.settle(self.series)

    def _implausible_times(self, time: NDArray[np.int64]) -> list[Problem]:
        """Return a problem if any time is not plausible. Usually the first and the last time suffice to exclude it."""
        if not len(time) or self._limits.include(int(time.min()), int(time.max())):
            return []
        earliest_ns, latest_ns = self._limits
        return problems((time < earliest_ns) | (time > latest_ns), self._implausible)

    def implausible_span(self) -> list[int] | None:
        """Return the first and the last of the times that are not plausible, in ns; None without any."""
        if "implausible_time" not in self.verdicts.set_aside:
            return None
        times = self.time[self.verdicts.codes == self.verdicts.code(self._implausible)]
        return [int(times.min()), int(times.max())]

    def series_keys(self) -> pa.Array:
        """Return measurement and tags of each series that has a line."""
        return self.tag_sets.prefixes.take(pa.array(np.flatnonzero(np.bincount(self.series[self.verdicts.lines]))))

    def judge_repeated_points(self, losing: LosingRows = NO_LOSING_ROWS) -> RepeatedPoints:
        """Collapse exact repetitions and set colliding rows aside, once all rows are there.

        Do the same with rows that lose their place to other parts, which the result does not contain. The lines that
        remain are sorted for `footprint`.
        """
        self._sorted_series = sort_series(self.tag_sets.prefixes)
        points = sort_points(self._lines())
        repeated = find_repeated_points(self.series, self.time, self.fields.values(), points.repeated_rows())
        for rows in (repeated, losing):
            self.verdicts.codes[rows.collapsed] = COLLAPSED
            self.verdicts.codes[rows.colliding] = self.verdicts.code(_COLLISION)
        is_changed = any(len(rows) for rows in (*repeated, *losing))
        if is_changed:
            del points  # its memory is needed to sort again
            points = sort_points(self._lines())
        self._points = points
        return repeated

    def take_footprint(self) -> PartFootprint:
        """Return the footprint of the lines, and free the memory of their order."""
        if self._points is None:
            raise ValueError("repeated points are not judged yet, or the footprint was already taken")
        points, self._points = self._points, None
        return encode_footprint(self._sorted_series.names, points)

    def _lines(self) -> Lines:
        return Lines(self.series, self._sorted_series.ranks, self.time, self.fields, self.verdicts.lines)

    def out_of_bounds(self) -> dict[str, int]:
        """Count the loaded values outside their soft bounds, by field; none if records are not validated."""
        is_line, counts = self.verdicts.codes == LINE, {}
        for field in self.dataset.fields if self._validate else ():
            if (values := self.fields.get(field.name)) is not None:
                outside = (values < field.minimum) | (values > field.maximum)
                counts[field.name] = int(np.count_nonzero(outside & is_line))
        return {name: count for name, count in counts.items() if count}

    def _fields(self, batch: pa.RecordBatch) -> tuple[dict[str, Numbers], list[Problem]]:
        if self.columns.layout == "long":
            return spread(batch, self.dataset.fields)
        columns = {name: numbers(batch.column(name), name) for name in self.fields}
        return columns, [problem for column in columns.values() for problem in column.problems]
