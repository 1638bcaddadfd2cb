"""A column of any numeric type, or of text, as the nearest doubles."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import types

from functions.convert_and_chunk.verdicts import Problem, Reason, mask, problems
from shared.schema import is_text

MAX_EXACT_INTEGER = 2**53
"""Beyond it neighbouring integers share one double: writing one would invent a value."""

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_NOT_FINITE = r"(?i)^[+-]?(nan|inf|infinity)$"
_EMPTY = r"^-?$"
_INTEGER = r"^[+-]?\d+$"
_LAST_EXACT = rf"^[+-]?0*{MAX_EXACT_INTEGER}$"


class Numbers(NamedTuple):
    """`values` is NaN where there is none to write; `not_finite` tells where that is NaN, or beyond all doubles."""

    values: NDArray[np.float64]
    not_finite: NDArray[np.bool_]
    problems: list[Problem]


def numbers(array: pa.Array, name: str) -> Numbers:
    """`array`, the column called `name`, as doubles."""
    doubles, found = _doubles(array, name)
    values = doubles.to_numpy(zero_copy_only=False)
    not_finite = ~np.isfinite(values)
    if doubles.null_count:
        not_finite &= mask(doubles.is_valid())
    return Numbers(np.where(not_finite, np.nan, values) if not_finite.any() else values, not_finite, found)


def _doubles(array: pa.Array, name: str) -> tuple[pa.Array, list[Problem]]:
    """Doubles or null. Arrow's cast of text is the nearest double; that of decimals is not, so they are text first."""
    if types.is_dictionary(array.type):
        values, found = _doubles(array.dictionary, name)
        return values.take(array.indices), [problem.taken(array.indices) for problem in found]
    if is_text(array.type) or types.is_decimal(array.type):
        return _parsed(array.cast(pa.string(), safe=False), name)  # unsafe: what is no UTF-8 is no number either
    return array.cast(pa.float64(), safe=False), _inexact(array, name) if types.is_integer(array.type) else []


def _inexact(array: pa.Array, name: str) -> list[Problem]:
    whole = array.fill_null(0).to_numpy()
    return _too_large((whole > MAX_EXACT_INTEGER) | (whole < -MAX_EXACT_INTEGER), name)


def _parsed(text: pa.Array, name: str) -> tuple[pa.Array, list[Problem]]:
    """Nothing and "-" are no value."""
    text = pc.ascii_trim_whitespace(text)
    number, not_finite, empty, integer, exact = (
        pc.match_substring_regex(text, form) for form in (_NUMBER, _NOT_FINITE, _EMPTY, _INTEGER, _LAST_EXACT)
    )
    values = pc.if_else(number, text, None).cast(pa.float64())
    large = pc.greater_equal(pc.abs(values), float(MAX_EXACT_INTEGER))
    unknown = mask(pc.invert(pc.or_(pc.or_(number, not_finite), empty)))
    return pc.if_else(not_finite, np.nan, values), [
        *problems(unknown, Reason("not_a_number", f"{name} is text that is no number")),
        *_too_large(mask(pc.and_(large, pc.and_not(integer, exact))), name),
    ]


def _too_large(rows: NDArray[np.bool_], name: str) -> list[Problem]:
    return problems(rows, Reason("integer_too_large", f"{name} is an integer beyond 2^53"))
