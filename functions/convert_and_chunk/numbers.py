"""A column of any numeric type, or of text, as the nearest doubles."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import types

from functions.convert_and_chunk.verdicts import Problem, Reason, mask
from shared.schema import is_text

MAX_EXACT_INTEGER = 2**53
"""Beyond it neighbouring integers share one double: writing one would invent a value."""

_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_NOT_FINITE = r"(?i)^\s*[+-]?(nan|inf|infinity)\s*$"
_EMPTY = r"^\s*-?\s*$"


class Numbers(NamedTuple):
    """`values` is NaN where there is none to write, `not_finite` tells where the file has NaN or an infinity."""

    values: NDArray[np.float64]
    not_finite: NDArray[np.bool_]
    problems: list[Problem]


def numbers(array: pa.Array, name: str) -> Numbers:
    """`array`, the column called `name`, as doubles."""
    doubles, problems = _doubles(array, name)
    values = doubles.to_numpy(zero_copy_only=False)
    not_finite = ~np.isfinite(values)
    if doubles.null_count:
        not_finite &= mask(doubles.is_valid())
    return Numbers(np.where(not_finite, np.nan, values) if not_finite.any() else values, not_finite, problems)


def _doubles(array: pa.Array, name: str) -> tuple[pa.Array, list[Problem]]:
    """Doubles or null. Arrow's cast of text is the nearest double; that of decimals is not, so they go through text."""
    if types.is_dictionary(array.type):
        values, problems = _doubles(array.dictionary, name)
        return values.take(array.indices), [problem.taken(array.indices) for problem in problems]
    if is_text(array.type):
        return _parsed(array.cast(pa.string(), safe=False), name)  # unsafe: what is no UTF-8 is no number either
    problems = _inexact(array, name) if types.is_integer(array.type) else []
    if types.is_decimal(array.type):
        array = array.cast(pa.string())
    return array.cast(pa.float64(), safe=False), problems


def _inexact(array: pa.Array, name: str) -> list[Problem]:
    whole = array.fill_null(0).to_numpy()
    rows = (whole > MAX_EXACT_INTEGER) | (whole < -MAX_EXACT_INTEGER)
    return [Problem(rows, Reason("integer_too_large", f"{name} is an integer beyond 2^53"))] if rows.any() else []


def _parsed(text: pa.Array, name: str) -> tuple[pa.Array, list[Problem]]:
    """Nothing and "-" are no value."""
    number = pc.match_substring_regex(text, _NUMBER)
    values = pc.ascii_trim_whitespace(pc.if_else(number, text, None)).cast(pa.float64())
    not_finite = pc.match_substring_regex(text, _NOT_FINITE)
    known = pc.or_(pc.or_(number, not_finite), pc.match_substring_regex(text, _EMPTY))
    rows = mask(pc.invert(known))
    problems = [Problem(rows, Reason("not_a_number", f"{name} is text that is no number"))] if rows.any() else []
    return pc.if_else(not_finite, np.nan, values), problems
