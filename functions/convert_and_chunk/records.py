"""The records of one part, column by column, and the rules that set rows aside."""

from collections import Counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from functions.convert_and_chunk.collisions import find_repeated
from functions.convert_and_chunk.columns.long_layout import spread
from functions.convert_and_chunk.columns.numbers import Numbers, numbers
from functions.convert_and_chunk.columns.series import Series
from functions.convert_and_chunk.columns.timestamps import timestamps
from functions.convert_and_chunk.verdicts import COLLAPSED, LINE, Problem, Reason, Verdicts, problems
from shared.datasets import Dataset
from shared.schema import Columns

_NO_FIELD = Reason("no_field", "no field has a finite value")
_COLLISION = Reason("collision", "a later row gives the same series and time another value")


class Records:
    """`rows` records, filled batch by batch: each one series, one time and a double per field, NaN for no value.

    All of a part is held, 12 bytes and 8 a field per row, since a later row may contradict an earlier one.
    """

    def __init__(self, dataset: Dataset, columns: Columns, rows: int, *, validate: bool) -> None:
        self.dataset, self.columns, self.rows, self.filled = dataset, columns, rows, 0
        self._validate = validate
        self.verdicts = Verdicts(rows)
        self.tag_sets = Series(dataset, columns.tags, self.verdicts, validate=validate)
        self.series = np.empty(rows, np.int32)
        self.time = np.empty(rows, np.int64)
        self.fields = {name: np.empty(rows, np.float64) for name in sorted(columns.fields)}
        self.left_out: Counter[str] = Counter()

    def append(self, batch: pa.RecordBatch) -> None:
        """Take in the next record batch, whose columns have our names."""
        rows = slice(self.filled, self.filled + batch.num_rows)
        self.filled = rows.stop
        self.time[rows], untimely = timestamps(batch.column(self.dataset.timestamp), self.dataset)
        self.verdicts.add(rows, untimely)
        self.series[rows] = self.tag_sets.numbers(batch, rows)
        found, odd = self._fields(batch)
        self.verdicts.add(rows, odd)
        empty = np.ones(batch.num_rows, bool)
        for name, (values, not_finite, _) in found.items():
            self.fields[name][rows] = values
            self.left_out[name] += int(np.count_nonzero(not_finite))
            empty &= np.isnan(values)
        self.verdicts.add(rows, problems(empty, _NO_FIELD))

    def judge_repeated(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Once all rows are there: collapse exact repetitions, set colliding rows aside.

        Returns the colliding rows and, for each, the later row that contradicts it.
        """
        repeated = find_repeated(self.series, self.time, self.fields.values(), self.verdicts.lines)
        self.verdicts.codes[repeated.collapsed] = COLLAPSED
        self.verdicts.codes[repeated.colliding] = self.verdicts.code(_COLLISION)
        return repeated.colliding, repeated.winners

    def out_of_bounds(self) -> dict[str, int]:
        """Field → values of lines that are outside its soft bounds, where records are validated."""
        stays, counts = self.verdicts.codes == LINE, {}
        for field in self.dataset.fields if self._validate else ():
            if (values := self.fields.get(field.name)) is not None:
                outside = (values < field.minimum) | (values > field.maximum)
                counts[field.name] = int(np.count_nonzero(outside & stays))
        return {name: count for name, count in counts.items() if count}

    def _fields(self, batch: pa.RecordBatch) -> tuple[dict[str, Numbers], list[Problem]]:
        if self.columns.layout == "long":
            return spread(batch, self.dataset.fields)
        found = {name: numbers(batch.column(name), name) for name in self.fields}
        return found, [problem for each in found.values() for problem in each.problems]
