"""The lines of a staged chunk, compared with the footprints of other loads.

`parse_lines` divides line protocol into series, fields and times. `shared_fields` says which fields of each line a
footprint has too. `select_fields` returns what remains of the lines when fields are left out.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.footprints import Footprint

Mask = NDArray[np.uint64]
"""The fields of each line: bit `n` stands for the nth field of the dataset."""


class Lines(NamedTuple):
    """Lines of line protocol.

    Attributes:
        text: the lines.
        series: measurement and tags of each line, with escapes.
        values: the fields of each line with their values: "power_mw=1.5,efficiency=0.9".
        time: the time of each line in ns.
        fields: the fields of each line.
    """

    text: pa.Array
    series: pa.Array
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
    return Lines(text, series, values, time.cast(pa.int64()).to_numpy(), fields)


def _mask(fields: Sequence[str], names: Sequence[str]) -> int:
    return sum(1 << names.index(field) for field in fields)


def shared_fields(series: pa.Array, time: NDArray[np.int64], names: Sequence[str], footprint: Footprint) -> Mask:
    """Return the fields that the footprint has at the series and time of each line.

    Points are compared as numbers: the position of the series, times the number of times, and the position of the time.

    Example: the footprint has m,t=a with field x at 7 and with y at 9. Of the lines at 7 and 8, one shares x.

    >>> from shared.footprints import PointBlock
    >>> block = PointBlock(np.array([0, 0]), np.array([7, 9]), np.array([1, 2], np.uint64))
    >>> footprint, names = Footprint(["m,t=a"], ("x", "y"), block), ["x", "y"]
    >>> shared_fields(pa.array(["m,t=a", "m,t=a"]), np.array([7, 8]), names, footprint).tolist()
    [1, 0]

    Args:
        series: the series of each line.
        time: the time of each line in ns.
        names: the fields of the dataset, in the order of the bits of the result.
        footprint: the points of another load, or of a part of it.
    """
    points = footprint.points
    if not len(points.time):
        return np.zeros(len(time), np.uint64)
    times = np.unique(points.time)  # [7, 9]
    keys = points.numbers.astype(np.int64) * len(times) + np.searchsorted(times, points.time)  # [0, 1], ascending
    distinct, first = np.unique(keys, return_index=True)  # a point may have several lines with different fields
    fields = np.bitwise_or.reduceat(translate(points.fields, footprint.names, names), first)
    value_set = pa.array(footprint.series, series.type)
    number = pc.fill_null(pc.index_in(series, value_set=value_set), -1).to_numpy().astype(np.int64)
    place = np.searchsorted(times, time).clip(max=len(times) - 1)  # the lines at 7 and 8 have the places 0 and 1
    key = number * len(times) + place
    position = np.searchsorted(distinct, key).clip(max=len(distinct) - 1)
    same = (number >= 0) & (times[place] == time) & (distinct[position] == key)
    return np.where(same, fields[position], np.uint64(0))


def translate(fields: Mask, names: Sequence[str], target: Sequence[str]) -> Mask:
    """Return the masks with the bits that `target` gives to the names. A field that it does not name is dropped.

    >>> translate(np.array([1, 3], np.uint64), ["y", "z"], ["x", "y"])
    array([2, 2], dtype=uint64)
    """
    result = np.zeros(len(fields), np.uint64)
    for bit, name in enumerate(names):
        if name in target:
            has_field = (fields >> np.uint64(bit)) & np.uint64(1)
            result |= has_field << np.uint64(target.index(name))
    return result


def select_fields(lines: Lines, keep: Mask, names: Sequence[str]) -> list[str]:
    r"""Return the text of each line with these fields only; "" for a line without any of them.

    >>> lines = parse_lines(b"m x=1,y=2 7\nm y=2 8\n", ["x", "y"])
    >>> select_fields(lines, np.array([2, 0], np.uint64), ["x", "y"])
    ['m y=2 7', '']
    """
    texts: list[str] = lines.text.to_pylist()
    kept = lines.fields & keep
    for line in np.flatnonzero(kept != lines.fields).tolist():
        mask = int(kept[line])
        values = [value for value in lines.values[line].as_py().split(",") if mask >> _bit(value, names) & 1]
        time = int(lines.time[line])
        texts[line] = f"{lines.series[line].as_py()} {','.join(values)} {time}" if values else ""
    return texts


def _bit(value: str, names: Sequence[str]) -> int:
    return names.index(value.partition("=")[0])
