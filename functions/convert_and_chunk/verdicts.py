"""The verdict on each row: it becomes a line, repeats another row, or is set aside by a rule for a reason.

The modules in `columns/` judge one record batch at a time and return a `Problem` for each reason that they find.
`Verdicts` translates reasons to codes and keeps one code per row of the part, so that ten million rows cost 20 MB.
Everything that is counted or listed later (lines, rows set aside, rules) is read from these codes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

LINE, COLLAPSED = 0, 1
"""The verdicts that are not reasons. Reasons are numbered from 2 on."""

_BLOCK_ROWS = 65_536
"""How many codes to count at a time."""


Rule = Literal[
    "no_timestamp",
    "unreadable_timestamp",
    "timestamp_out_of_range",
    "ambiguous_time",
    "nonexistent_time",
    "implausible_time",
    "missing_tag",
    "unusable_tag",
    "not_a_number",
    "integer_too_large",
    "unknown_unit",
    "no_field",
    "collision",
]
"""The rule that sets a row aside; docs/datasets.md explains each."""


class Reason(NamedTuple):
    """The reason why a row is set aside: `rule` is for counting, `text` for people."""

    rule: Rule
    text: str


class Problem(NamedTuple):
    """A reason, and the rows of one record batch that it sets aside, as a mask."""

    rows: NDArray[np.bool_]
    reason: Reason

    def spread_to_rows(self, indices: pa.Array) -> "Problem":
        """Translate a problem with the values of a dictionary to the rows that hold these values.

        >>> bad_value = Problem(np.array([False, True]), Reason("not_a_number", "power_mw is not a number"))
        >>> bad_value.spread_to_rows(pa.array([0, 1, 1, None])).rows.tolist()
        [False, True, True, False]
        """
        return Problem(mask(pa.array(self.rows).take(indices)), self.reason)


def problems(rows: NDArray[np.bool_], reason: Reason) -> list[Problem]:
    """Return a list of one problem, or an empty list if the mask selects no row."""
    return [Problem(rows, reason)] if rows.any() else []


def mask(array: pa.Array) -> NDArray[np.bool_]:
    """Return Arrow booleans as a numpy mask in which null is false."""
    filled: NDArray[np.bool_] = array.fill_null(fill_value=False).to_numpy(zero_copy_only=False)
    return filled


class Verdicts:
    """One code per row of a part: LINE, COLLAPSED, or the code of a reason. A row keeps its first reason.

    Row 1 is both without a region and without a field; the region was judged first:

    >>> verdicts = Verdicts(4)
    >>> no_region = Problem(np.array([False, True, False, True]), Reason("missing_tag", "region is empty"))
    >>> no_field = Problem(np.array([True, True, False, False]), Reason("no_field", "no field has a finite value"))
    >>> verdicts.add(slice(0, 4), [no_region, no_field])
    >>> verdicts.codes.tolist()
    [3, 2, 0, 2]
    >>> verdicts.lines.tolist(), verdicts.set_aside
    ([2], {'missing_tag': 2, 'no_field': 1})
    """

    def __init__(self, rows: int) -> None:
        self.codes = np.zeros(rows, np.uint16)
        self._reasons: list[Reason] = []

    def code(self, reason: Reason) -> int:
        """Return the code of `reason`; a new reason gets the next code."""
        if reason not in self._reasons:
            self._reasons.append(reason)
        return self._reasons.index(reason) + COLLAPSED + 1

    def reason(self, code: int) -> Reason:
        """Return the reason that `code` stands for."""
        return self._reasons[code - COLLAPSED - 1]

    def add(self, rows: slice, problems: Iterable[Problem]) -> None:
        """Set aside rows of one record batch.

        Args:
            rows: The rows of the part that the record batch holds.
            problems: The problems of the record batch, in the order in which rows are judged.
        """
        for problem in problems:
            self.add_codes(rows, problem.rows * np.uint16(self.code(problem.reason)))

    def add_codes(self, rows: slice, codes: NDArray[np.uint16]) -> None:
        """Give each of `rows` its code, unless the row already has a verdict other than LINE."""
        verdicts = self.codes[rows]  # a view: copyto writes into self.codes
        np.copyto(verdicts, codes, where=verdicts == LINE)

    @property
    def lines(self) -> NDArray[np.int64]:
        """The numbers of the rows that become lines, ascending."""
        return np.flatnonzero(self.codes == LINE)

    @property
    def line_count(self) -> int:
        """The number of rows that become lines."""
        return int(np.count_nonzero(self.codes == LINE))

    def line_blocks(self, size: int) -> Iterator[NDArray[np.int64]]:
        """Yield the rows of `lines`, `size` at a time; only the last block may have fewer. It takes less memory.

        Each range of `size` rows has at most as many lines, so it completes one block at most.

        >>> verdicts = Verdicts(7)
        >>> verdicts.codes[1] = COLLAPSED
        >>> [rows.tolist() for rows in verdicts.line_blocks(3)]
        [[0, 2, 3], [4, 5, 6]]
        """
        pending = np.empty(0, np.int64)
        for first in range(0, len(self.codes), size):
            rows = np.flatnonzero(self.codes[first : first + size] == LINE)
            rows += first
            pending = np.append(pending, rows) if len(pending) else rows
            if len(pending) >= size:
                yield pending[:size]
                pending = pending[size:]
        if len(pending):
            yield pending

    @property
    def set_aside_rows(self) -> NDArray[np.int64]:
        """The numbers of the rows that are set aside, ascending."""
        return np.flatnonzero(self.codes > COLLAPSED)

    @property
    def collapsed(self) -> int:
        """The number of rows that repeat another row exactly."""
        return int(np.count_nonzero(self.codes == COLLAPSED))

    @property
    def reason_counts(self) -> dict[int, int]:
        """The number of rows for the code of each reason that any row has."""
        rows = np.zeros(COLLAPSED + 1 + len(self._reasons), np.int64)
        for first in range(0, len(self.codes), _BLOCK_ROWS):  # bincount makes an int64 of each code
            rows += np.bincount(self.codes[first : first + _BLOCK_ROWS], minlength=len(rows))
        return {code: int(rows[code]) for code in range(COLLAPSED + 1, len(rows)) if rows[code]}

    def count_rows(self, reason: Reason) -> int:
        """Return the number of rows that are set aside for this reason."""
        return sum(rows for code, rows in self.reason_counts.items() if self.reason(code) == reason)

    @property
    def set_aside(self) -> dict[str, int]:
        """The number of rows that each rule sets aside."""
        counts: Counter[str] = Counter()
        for code, rows in self.reason_counts.items():
            counts[self.reason(code).rule] += rows
        return dict(sorted(counts.items()))
