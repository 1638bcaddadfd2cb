"""The comparison of decoded values with the statistics of the footer, which reveals damaged pages without a checksum.

`StatisticsCheck.watch` passes record batches on, and divides them into row groups, since each has its statistics.
`_Observed` collects what the values of a row group are, and `_contradiction` compares that.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from functions.convert_and_chunk.footer_statistics import Bound, Statistics, read_statistics
from functions.convert_and_chunk.windows import Window
from shared.errors import CorruptParquetError
from shared.parquet_schema import ParquetFooter


@dataclass
class _Observed:
    """The smallest and the largest value of one column in one row group, without NaN, and the number of nulls."""

    minimum: Bound | None = None
    maximum: Bound | None = None
    nulls: int = 0

    def add(self, column: pa.Array, statistics: Statistics) -> None:
        self.nulls += column.null_count
        if statistics.minimum is None and statistics.maximum is None:
            return
        if types.is_timestamp(column.type):
            column = column.cast(pa.int64())
        elif types.is_date(column.type):
            column = column.cast(pa.date32()).cast(pa.int32())
        low, high = pc.min_max(column).as_py().values()
        if low is not None and low <= high:  # for NaN alone, Arrow returns infinities in the wrong order
            self.minimum = low if self.minimum is None else min(self.minimum, low)
            self.maximum = high if self.maximum is None else max(self.maximum, high)


class StatisticsCheck:
    """Compares the columns of a file with its footer. `name` is the name of the file in error messages."""

    def __init__(self, footer: ParquetFooter, columns: Sequence[str], selection: Sequence[Window], name: str) -> None:
        groups = {group for window in selection for group in window.groups}
        self._statistics = read_statistics(footer, columns, groups)
        self._rows = [footer.metadata.row_group(group).num_rows for group in range(footer.metadata.num_row_groups)]
        self._name = name

    def watch(self, batches: Iterable[pa.RecordBatch], window: Window) -> Iterator[pa.RecordBatch]:
        """Yield the record batches of a window.

        Raises:
            CorruptParquetError: The values of a row group contradict the statistics.
        """
        if not self._statistics:
            yield from batches
            return
        groups = [group for group in window.groups if self._rows[group]]
        group, missing, observed = 0, 0, dict[str, _Observed]()
        for batch in batches:
            position = 0
            while position < batch.num_rows and (missing or groups):
                if not missing:
                    group, observed = groups.pop(0), {}
                    missing = self._rows[group]
                piece = batch.slice(position, missing)
                for name, statistics in self._statistics[group].items():
                    observed.setdefault(name, _Observed()).add(piece.column(name), statistics)
                position, missing = position + piece.num_rows, missing - piece.num_rows
                if not missing:
                    self._compare(group, observed)
            yield batch

    def _compare(self, group: int, observed: dict[str, _Observed]) -> None:
        for column, values in observed.items():
            if contradiction := _contradiction(self._statistics[group][column], values):
                raise CorruptParquetError(
                    f"{self._name} is damaged: in column {column!r} of row group {group}, {contradiction}: write it "
                    "again"
                )


def _contradiction(statistics: Statistics, values: _Observed) -> str:
    """Return how the values contradict the footer, or "". Bounds that are not exact may be beyond the values."""
    low, high = statistics.minimum, statistics.maximum
    if statistics.nulls is not None and statistics.nulls != values.nulls:
        return f"{values.nulls} values are null, but its footer says {statistics.nulls}"
    if values.minimum is None or values.maximum is None:
        return ""
    if low is not None and (values.minimum < low or (statistics.is_minimum_exact and values.minimum != low)):
        return f"the smallest value is {values.minimum}, but its footer says {low}"
    if high is not None and (values.maximum > high or (statistics.is_maximum_exact and values.maximum != high)):
        return f"the largest value is {values.maximum}, but its footer says {high}"
    return ""
