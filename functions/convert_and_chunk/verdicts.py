"""What becomes of each row: a line, an exact repetition that is collapsed, or set aside by a rule for a reason."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

LINE, COLLAPSED = 0, 1


Rule = Literal[
    "no_timestamp",
    "unreadable_timestamp",
    "timestamp_out_of_range",
    "ambiguous_time",
    "nonexistent_time",
    "missing_tag",
    "unusable_tag",
    "not_a_number",
    "integer_too_large",
    "unknown_unit",
    "no_field",
    "collision",
]
"""What sets a row aside; docs/datasets.md explains each."""


class Reason(NamedTuple):
    """Why a row is set aside: `rule` for counting, `text` for the reader."""

    rule: Rule
    text: str


class Problem(NamedTuple):
    """The rows (a mask over one record batch) that a reason sets aside."""

    rows: NDArray[np.bool_]
    reason: Reason

    def taken(self, indices: pa.Array) -> "Problem":
        """The same, of a dictionary's values, for the rows that hold them."""
        return Problem(mask(pa.array(self.rows).take(indices)), self.reason)


def problems(rows: NDArray[np.bool_], reason: Reason) -> list[Problem]:
    """One, if there are any such rows."""
    return [Problem(rows, reason)] if rows.any() else []


def mask(array: pa.Array) -> NDArray[np.bool_]:
    """Booleans of Arrow as numpy's; null is false."""
    filled: NDArray[np.bool_] = array.fill_null(fill_value=False).to_numpy(zero_copy_only=False)
    return filled


class Verdicts:
    """One code per row of a part: LINE, COLLAPSED, or that of a reason. The first reason of a row stays."""

    def __init__(self, rows: int) -> None:
        self.codes = np.zeros(rows, np.uint16)
        self._reasons: list[Reason] = []

    def code(self, reason: Reason) -> int:
        """The code that stands for `reason`."""
        if reason not in self._reasons:
            self._reasons.append(reason)
        return self._reasons.index(reason) + COLLAPSED + 1

    def reason(self, code: int) -> Reason:
        """The reason that `code` stands for."""
        return self._reasons[code - COLLAPSED - 1]

    def add(self, rows: slice, problems: Iterable[Problem]) -> None:
        """Set aside rows of the record batch that lies at `rows`."""
        for problem in problems:
            self.add_codes(rows, problem.rows * np.uint16(self.code(problem.reason)))

    def add_codes(self, rows: slice, codes: NDArray[np.uint16]) -> None:
        """Set aside the rows whose code is not LINE, as far as they have no other verdict yet."""
        known = self.codes[rows]
        np.copyto(known, codes, where=known == LINE)

    @property
    def lines(self) -> NDArray[np.int64]:
        """The rows that become lines, in order."""
        return np.flatnonzero(self.codes == LINE)

    @property
    def set_aside_rows(self) -> NDArray[np.int64]:
        """The rows that have a reason, in order."""
        return np.flatnonzero(self.codes > COLLAPSED)

    @property
    def collapsed(self) -> int:
        """Rows that repeat another row exactly."""
        return int(np.count_nonzero(self.codes == COLLAPSED))

    @property
    def reason_counts(self) -> dict[int, int]:
        """Code of a reason → rows, where there are any."""
        rows = np.bincount(self.codes, minlength=COLLAPSED + 1 + len(self._reasons))
        return {code: int(rows[code]) for code in range(COLLAPSED + 1, len(rows)) if rows[code]}

    @property
    def set_aside(self) -> dict[str, int]:
        """Rule → rows."""
        counts: Counter[str] = Counter()
        for code, rows in self.reason_counts.items():
            counts[self.reason(code).rule] += rows
        return dict(sorted(counts.items()))
