"""The records of one part, column by column, and the rules that set rows aside."""

from collections import Counter

import numpy as np
import pyarrow as pa

from functions.convert_and_chunk.numbers import numbers
from functions.convert_and_chunk.series import Series
from functions.convert_and_chunk.timestamps import timestamps
from functions.convert_and_chunk.verdicts import LINE, Problem, Reason, Verdicts
from shared.datasets import Dataset
from shared.schema import Columns


class Records:
    """`rows` records, filled batch by batch: one series, one time and a double per field each, NaN for no value."""

    def __init__(self, dataset: Dataset, columns: Columns, rows: int, *, validate: bool) -> None:
        self.dataset, self.columns, self.rows, self.filled = dataset, columns, rows, 0
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
        self.time[rows], problems = timestamps(batch.column(self.dataset.timestamp), self.dataset)
        self.series[rows] = self.tag_sets.numbers(batch, rows)
        for name, values in self.fields.items():
            found = numbers(batch.column(name), name)
            values[rows] = found.values
            self.left_out[name] += found.left_out
            problems += found.problems
        for problem in problems:
            self.verdicts.add(rows, problem)
        self._require_a_field(rows)

    def _require_a_field(self, rows: slice) -> None:
        empty = self.verdicts.codes[rows] == LINE
        for values in self.fields.values():
            empty &= np.isnan(values[rows])
        if empty.any():
            self.verdicts.add(rows, Problem(empty, Reason("no_field", "no field has a finite value")))
