"""The conversion of ratios to percent, which moves the point of a decimal instead of multiplying a binary number."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def to_percent(ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the numbers in percent that have the same digits as the ratios.

    0.29 is not exact in binary, so its product with 100 is less than 29. A file may have the same value in both units,
    which would be two values then. Numbers whose shortest decimal has an exponent are multiplied nevertheless.

    >>> 0.29 * 100, to_percent(np.array([0.29, 1e-9, np.nan])).tolist()
    (28.999999999999996, [29.0, 1.0000000000000001e-07, nan])
    """
    texts = pc.cast(pa.array(ratios), pa.string())
    is_decimal = pc.invert(pc.match_substring_regex(texts, "[en]")).to_numpy(zero_copy_only=False)  # also not nan, inf
    percent = ratios * 100.0
    moved = pc.binary_join_element_wise(texts.filter(pa.array(is_decimal)), "e2", "")
    percent[is_decimal] = pc.cast(moved, pa.float64()).to_numpy()
    return percent
