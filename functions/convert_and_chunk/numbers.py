"""A column of any numeric type, or of text, as the nearest doubles."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import types

from functions.convert_and_chunk.verdicts import Problem, Reason
from shared.schema import is_text

MAX_EXACT_INTEGER = 2**53
"""Beyond it neighbouring integers share one double: writing one would invent a value."""

_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
_NOT_FINITE = r"(?i)^\s*[+-]?(nan|inf|infinity)\s*$"
_EMPTY = r"^\s*-?\s*$"


class Numbers(NamedTuple):
    """NaN where there is no value to write; `left_out` of them were NaN or infinite in the file."""

    values: NDArray[np.float64]
    left_out: int
    problems: list[Problem]


def numbers(array: pa.Array, name: str) -> Numbers:
    """`array` of the field `name` as doubles."""
    doubles, problems = _doubles(array, name)
    values = doubles.to_numpy(zero_copy_only=False)
    finite = np.isfinite(values)
    left_out = len(values) - doubles.null_count - int(np.count_nonzero(finite))
    return Numbers(np.where(finite, values, np.nan) if left_out else values, left_out, problems)


def _doubles(array: pa.Array, name: str) -> tuple[pa.Array, list[Problem]]:
    if types.is_dictionary(array.type):
        values, problems = _doubles(array.dictionary, name)
        rows = [Problem(_taken(problem.rows, array.indices), problem.reason) for problem in problems]
        return values.take(array.indices), rows
    if is_text(array.type):
        return _parsed(array.cast(pa.string()), name)
    if types.is_integer(array.type):
        return array.cast(pa.float64(), safe=False), _inexact(array, name)
    if types.is_decimal(array.type):
        array = array.cast(pa.string())  # Arrow's own decimal → double is not the nearest one
    return array.cast(pa.float64()), []


def _taken(mask: NDArray[np.bool_], indices: pa.Array) -> NDArray[np.bool_]:
    taken: NDArray[np.bool_] = pa.array(mask).take(indices).fill_null(False).to_numpy(zero_copy_only=False)  # noqa: FBT003
    return taken


def _inexact(array: pa.Array, name: str) -> list[Problem]:
    if array.type.bit_width < 64:  # noqa: PLR2004
        return []
    whole = array.fill_null(0).to_numpy()
    rows = (whole > MAX_EXACT_INTEGER) | (whole < -MAX_EXACT_INTEGER)
    return [Problem(rows, Reason("integer_too_large", f"{name} is an integer beyond 2^53"))] if rows.any() else []


def _parsed(text: pa.Array, name: str) -> tuple[pa.Array, list[Problem]]:
    """Text as doubles. Empty and "-" are no value."""
    number = pc.match_substring_regex(text, _NUMBER)
    numeric = pc.replace_with_mask(text, pc.invert(number), pa.scalar(None, pa.string()))
    values = pc.ascii_ltrim(pc.ascii_trim_whitespace(numeric), "+").cast(pa.float64())
    not_finite = pc.match_substring_regex(text, _NOT_FINITE)
    values = pc.if_else(not_finite, pa.scalar(np.nan), values)
    known = pc.or_(pc.or_(number, not_finite), pc.match_substring_regex(text, _EMPTY))
    rows = pc.invert(known).fill_null(False).to_numpy(zero_copy_only=False)  # noqa: FBT003
    return values, [Problem(rows, Reason("not_a_number", f"{name} is text that is no number"))] if rows.any() else []
