"""The lines of a staged chunk.

`parse_lines` divides line protocol into series, fields and times. `select_fields` returns what remains of the lines
when fields are left out.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.point_index import Mask


class Lines(NamedTuple):
    """Lines of line protocol.

    Attributes:
        text: the lines.
        series: measurement and tags of each line, with escapes, as a dictionary array.
        values: the fields of each line with their values: "power_mw=1.5,efficiency=0.9".
        time: the time of each line in ns.
        fields: the fields of each line.
    """

    text: pa.Array
    series: pa.DictionaryArray
    values: pa.Array
    time: NDArray[np.int64]
    fields: Mask


def parse_lines(body: bytes, names: Sequence[str]) -> Lines:
    r"""Divide lines at their last two spaces: values of fields are numbers, so only series have spaces, escaped ones.

    >>> lines = parse_lines(b"m,t=a\\ b x=1.5,y=2 7\nm y=2 8\n", ["x", "y"])
    >>> lines.series.to_pylist(), lines.values.to_pylist(), lines.time.tolist(), lines.fields.tolist()
    (['m,t=a\\ b', 'm'], ['x=1.5,y=2', 'y=2'], [7, 8], [3, 2])

    Args:
        body: the lines, each with its newline.
        names: the fields of the dataset, in the order of their bits.
    """
    text = pc.list_flatten(pc.split_pattern(pa.array([body.removesuffix(b"\n")], pa.large_string()), "\n"))
    pieces = pc.split_pattern(text, " ", max_splits=2, reverse=True)
    series, values, time = (pc.list_element(pieces, position) for position in range(3))
    written = pc.replace_substring_regex(values, "=[^,]*", "").dictionary_encode()
    masks = [_mask(fields.split(","), names) for fields in written.dictionary.to_pylist()]
    fields = np.array(masks, np.uint64)[written.indices.to_numpy()]
    return Lines(text, series.dictionary_encode(), values, time.cast(pa.int64()).to_numpy(), fields)


def parse_values(values: pa.Array, names: Sequence[str]) -> dict[str, pa.DoubleArray]:
    """Return the values of each field by its name; null for a line without it.

    >>> values = parse_values(pa.array(["x=1.5,y=2.0", "y=-1e21"]), ["x", "y"])
    >>> values["x"].to_pylist(), values["y"].to_pylist()
    ([1.5, None], [2.0, -1e+21])
    """
    pattern = "(?:^|,){}=(?P<value>[^,]*)"
    matches = {name: pc.extract_regex(values, pattern.format(re.escape(name))) for name in names}
    return {name: pc.struct_field(match, "value").cast(pa.float64()) for name, match in matches.items()}


def _mask(fields: Sequence[str], names: Sequence[str]) -> int:
    return sum(1 << names.index(field) for field in fields)


def select_fields(lines: Lines, keep: Mask, names: Sequence[str]) -> list[str]:
    r"""Return the text of each line with these fields only; "" for a line without any of them.

    >>> lines = parse_lines(b"m x=1,y=2,z=3 7\nm y=2 8\nm z=3 9\n", ["x", "y", "z"])
    >>> select_fields(lines, np.array([5, 0, 4], np.uint64), ["x", "y", "z"])
    ['m x=1,z=3 7', '', 'm z=3 9']
    """
    kept = lines.fields & keep
    texts: list[str] = pc.if_else(pa.array(kept != 0), lines.text, "").to_pylist()
    shorter = np.flatnonzero((kept != lines.fields) & (kept != 0))
    for mask in np.unique(kept[shorter]).tolist():
        same = shorter[kept[shorter] == mask]
        for line, text in zip(same.tolist(), _with_fields(lines, same, mask, names), strict=True):
            texts[line] = text
    return texts


def _with_fields(lines: Lines, rows: NDArray[np.int64], mask: int, names: Sequence[str]) -> list[str]:
    """Return the text of these lines with the fields of `mask` only."""
    at = pa.array(rows)
    values = lines.values.take(at)
    for bit, name in enumerate(names):
        if not mask >> bit & 1:
            values = pc.replace_substring_regex(values, f"(^|,){re.escape(name)}=[^,]*", "")
    series, time = (part.cast(values.type) for part in (lines.series.take(at), pa.array(lines.time[rows])))
    space = pa.scalar(" ", values.type)
    texts: list[str] = pc.binary_join_element_wise(series, pc.utf8_ltrim(values, ","), time, space).to_pylist()
    return texts
