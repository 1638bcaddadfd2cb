"""A column of any numeric type, or of text, becomes doubles.

`numbers` is what other modules call. `_doubles` converts by the type of the column: dictionaries by their values, text
and decimals by `_parse_text`, everything else by a cast. NaN and infinities are left out and counted. Text that is not
a number and integers that a double cannot hold are problems.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import types

from functions.convert_and_chunk.verdicts import Problem, Reason, mask, problems
from shared.column_types import is_text

MAX_EXACT_INTEGER = 2**53
"""The largest integer up to which every integer is a double. A larger one may be stored as its neighbor."""

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_NOT_FINITE = r"(?i)^[+-]?(nan|inf|infinity)$"
_EMPTY = r"^-?$"
_INTEGER = r"^[+-]?\d+$"
_LAST_EXACT = rf"^[+-]?0*{MAX_EXACT_INTEGER}$"


class Numbers(NamedTuple):
    """A column as doubles.

    `values` is NaN for rows without a value to write. `not_finite` tells which of them have a value, but one that is
    NaN, infinite, or too large for a double.
    """

    values: NDArray[np.float64]
    not_finite: NDArray[np.bool_]
    problems: list[Problem]


def numbers(array: pa.Array, name: str) -> Numbers:
    """Convert a column, which is called `name` in messages.

    >>> column = numbers(pa.array(["1.5", "-", "x", "NaN", "9007199254740993"]), "power_mw")
    >>> column.values.tolist()
    [1.5, nan, nan, nan, 9007199254740992.0]
    >>> column.not_finite.tolist()
    [False, False, False, True, False]
    >>> [(problem.reason.rule, problem.rows.tolist()) for problem in column.problems]  # doctest: +NORMALIZE_WHITESPACE
    [('not_a_number', [False, False, True, False, False]),
     ('integer_too_large', [False, False, False, False, True])]
    """
    doubles, array_problems = _doubles(array, name)
    values = doubles.to_numpy(zero_copy_only=False)  # null becomes NaN
    not_finite = ~np.isfinite(values)
    if np.count_nonzero(not_finite) == doubles.null_count:  # as in most files: what is not finite is null
        return Numbers(values, np.zeros(len(values), bool), array_problems)
    not_finite &= mask(doubles.is_valid())
    return Numbers(np.where(not_finite, np.nan, values) if not_finite.any() else values, not_finite, array_problems)


def _doubles(array: pa.Array, name: str) -> tuple[pa.Array, list[Problem]]:
    """Convert to doubles or null.

    Arrow's cast from text returns the nearest double. Its cast from decimals does not, so decimals become text first.
    """
    if types.is_dictionary(array.type):
        values, value_problems = _doubles(array.dictionary, name)
        return values.take(array.indices), [problem.spread_to_rows(array.indices) for problem in value_problems]
    if is_text(array.type) or types.is_decimal(array.type):
        return _parse_text(array.cast(pa.string(), safe=False), name)  # no check for UTF-8: other bytes fail to parse
    return array.cast(pa.float64(), safe=False), _inexact_integers(array, name) if types.is_integer(array.type) else []


def _inexact_integers(array: pa.Array, name: str) -> list[Problem]:
    integers = array.fill_null(0).to_numpy()
    return _too_large((integers > MAX_EXACT_INTEGER) | (integers < -MAX_EXACT_INTEGER), name)


def _parse_text(text: pa.Array, name: str) -> tuple[pa.Array, list[Problem]]:
    """Convert text to doubles, NaN for infinities too. An empty text and "-" are null.

    Regular expressions decide, since Arrow's cast raises an error for the whole column if one text is not a number.
    An integer is too large if it is at least 2^53 as a double, and its text is not that of 2^53 itself: 2^53 and
    2^53 + 1 are the same double, so only the text distinguishes them.

    Example, with the text of the doctest of `numbers`:

        text                number  not_finite  empty   value
        1.5                 true    false       false   1.5
        -                   false   false       true    null
        x                   false   false       false   null, not_a_number
        NaN                 false   true        false   NaN
        9007199254740993    true    false       false   9007199254740992, integer_too_large
    """
    text = pc.ascii_trim_whitespace(text)
    number, not_finite, empty, integer, exact = (
        pc.match_substring_regex(text, form) for form in (_NUMBER, _NOT_FINITE, _EMPTY, _INTEGER, _LAST_EXACT)
    )
    values = pc.if_else(number, text, None).cast(pa.float64())
    large = pc.greater_equal(pc.abs(values), float(MAX_EXACT_INTEGER))
    unknown = mask(pc.invert(pc.or_(pc.or_(number, not_finite), empty)))
    return pc.if_else(not_finite, np.nan, values), [
        *problems(unknown, Reason("not_a_number", f"{name} is text that is not a number")),
        *_too_large(mask(pc.and_(large, pc.and_not(integer, exact))), name),
    ]


def _too_large(rows: NDArray[np.bool_], name: str) -> list[Problem]:
    return problems(
        rows, Reason("integer_too_large", f"{name} is an integer beyond 2^53, which a double cannot hold exactly")
    )
