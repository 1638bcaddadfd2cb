"""The choice of tags: the smallest set of columns that, together with the time, distinguishes all rows.

A column is an array of codes, one for each row, so that rows with equal codes have equal values. `choose_tags` first
finds a small set by adding the column that helps most (`_greedy`), and then looks for a smaller one (`_smallest`).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]

MAX_COMBINED, MAX_COMBINATION = 12, 3
"""Combinations of up to 3 of the first 12 columns are tried, which are at most 298."""

FILTER_ROWS = 20_000
"""The number of rows on which a combination is tried first, since most combinations fail there already."""


def choose_tags(times: Codes, columns: Mapping[str, Codes]) -> list[str]:
    """Return the names of a smallest set of columns that distinguishes as many rows as all columns together do.

    Of two sets of the same size, the one whose columns come first in `columns` is chosen.

    Example: at one time, the region does not distinguish the second row from the third, but the plant does.

    >>> times = np.array([0, 0, 0, 1])
    >>> choose_tags(times, {"region": np.array([0, 1, 1, 0]), "plant": np.array([0, 1, 2, 0])})
    ['plant']

    Args:
        times: the codes of the times.
        columns: the codes of the columns that can become tags, by name.
    """
    distinct = count_distinct(times, *columns.values())
    chosen = _greedy(times, columns, distinct)
    return next(_smallest(times, columns, distinct, len(chosen)), chosen)


def count_distinct(*columns: Codes) -> int:
    """Return the number of different rows of some columns.

    >>> count_distinct(np.array([0, 0, 1]), np.array([5, 5, 5]))
    2
    """
    return int(combine(columns).max(initial=-1)) + 1


def combine(columns: Sequence[Codes]) -> Codes:
    """Return codes that are equal in the rows in which all columns are equal.

    >>> combine([np.array([7, 7, 9, 7]), np.array([1, 2, 1, 1])]).tolist()
    [0, 1, 2, 0]
    """
    return reduce(_combine_two, columns[1:], _number(columns[0]))


def _combine_two(one: Codes, other: Codes) -> Codes:
    """Return a number for each pair. The columns are numbered first, so that the product of the counts fits 64 bits."""
    first, second = _number(one), _number(other)
    return _number(first * (int(second.max(initial=0)) + 1) + second)


def _number(codes: Codes) -> Codes:
    numbers: Codes = np.unique(codes, return_inverse=True)[1].astype(np.int64)
    return numbers


def _greedy(times: Codes, columns: Mapping[str, Codes], distinct: int) -> list[str]:
    """Add the column that distinguishes most rows until all are distinguished; then drop what is not needed."""
    chosen, codes = list[str](), times
    while count_distinct(codes) < distinct:
        best = max((name for name in columns if name not in chosen), key=lambda n: count_distinct(codes, columns[n]))
        codes = combine([codes, columns[best]])
        chosen.append(best)
    for name in list(chosen):
        rest = [columns[other] for other in chosen if other != name]
        if count_distinct(times, *rest) == distinct:
            chosen.remove(name)
    return [name for name in columns if name in chosen]


def _smallest(times: Codes, columns: Mapping[str, Codes], distinct: int, size: int) -> Iterator[list[str]]:
    """Yield the sets of at most `size` columns that distinguish all rows, small ones first."""
    names = list(columns)[:MAX_COMBINED]
    first = np.argsort(times, kind="stable")[:FILTER_ROWS]
    first_distinct = count_distinct(times[first], *(codes[first] for codes in columns.values()))
    for count in range(min(size, MAX_COMBINATION) + 1):
        for combination in combinations(names, count):
            few = [columns[name][first] for name in combination]
            if count_distinct(times[first], *few) < first_distinct:
                continue
            if count_distinct(times, *(columns[name] for name in combination)) == distinct:
                yield list(combination)
