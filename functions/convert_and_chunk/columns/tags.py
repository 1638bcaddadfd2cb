"""Tag values become text of line protocol.

`render_tag` judges and renders one value. `render_tags` renders a dictionary of values: the plain ones, which need no
judgment, all at once (`_are_plain`, `_render_plain`), and the others one by one.
"""

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import types

from functions.convert_and_chunk.columns.dictionaries import text_values
from functions.convert_and_chunk.verdicts import Reason, mask

MAX_KEY_BYTES = 65_535
"""The maximum size of measurement and tags that InfluxDB accepts, in bytes."""

_UNUSABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]|\\(?=[,= \\]|$)")
"""Characters that line protocol cannot carry.

These are control characters, surrogates (which stand for bytes that are not UTF-8), and a backslash before a character
that can be escaped or at the end: parsers disagree on what it means.
"""


_SPECIAL = r"[^ -+\--<>-\[\]-~]|^ | $|^-?$"
"""A match in a value that is not plain: a character that is not printable ASCII or that has to be escaped other than a
space, a space to strip, or no value at all.
"""

_FEW_VALUES = 64
"""How many values are faster to render one by one."""


def trim(value: str | None) -> str:
    """Strip whitespace. Null and "-" become an empty text, which is no value."""
    text = (value or "").strip()
    return "" if text == "-" else text


def render_tag(name: str, value: str | None, *, required: bool) -> tuple[str, Reason | None]:
    r"""Render one tag as `,name=value`, or as an empty text if it has no value.

    An empty value is a problem only for a required tag.

    >>> render_tag("plant_name", " Ilha Solteira", required=False)
    (',plant_name=Ilha\\ Solteira', None)
    >>> render_tag("region", "-", required=True)
    ('', Reason(rule='missing_tag', text='region is empty'))

    Returns:
        The text, and the reason why rows with this value are set aside, or None if they are not.
    """
    if not (text := trim(value)):
        return "", Reason("missing_tag", f"{name} is empty") if required else None
    if len(text) > MAX_KEY_BYTES or _UNUSABLE.search(text):
        return "", Reason("unusable_tag", f"{name} has characters that line protocol cannot carry, or is too long")
    escaped = text.replace(",", r"\,").replace("=", r"\=").replace(" ", r"\ ")  # ten times as fast as str.translate
    return f",{name}={escaped}", None


def render_tags(name: str, values: pa.Array, *, required: bool) -> tuple[pa.Array, dict[int, Reason]]:
    r"""Render the values of a dictionary, and null after them.

    >>> pieces, reasons = render_tags("region", pa.array(["N", "São Paulo"]), required=True)
    >>> pieces.to_pylist(), reasons
    ([',region=N', ',region=São\\ Paulo', ''], {2: Reason(rule='missing_tag', text='region is empty')})

    Returns:
        The texts, and the reasons not to use a value by its position.
    """
    is_plain = _are_plain(values)
    special = np.append(np.flatnonzero(~is_plain), len(values))
    texts = text_values(values.take(pa.array(special[:-1])))
    pieces, reasons = zip(*(render_tag(name, text, required=required) for text in texts), strict=True)
    positions = np.concatenate([np.flatnonzero(is_plain), special])
    rendered = pa.concat_arrays([_render_plain(name, values.filter(pa.array(is_plain))), pa.array(pieces)])
    reasons_by_position = dict(zip(special.tolist(), reasons, strict=True))
    return (
        rendered.take(pa.array(np.argsort(positions))),
        {position: reason for position, reason in reasons_by_position.items() if reason},
    )


def _are_plain(values: pa.Array) -> NDArray[np.bool_]:
    """Return which values are plain, none if they are so few that rendering them one by one is faster."""
    if len(values) < _FEW_VALUES:
        return np.zeros(len(values), bool)
    if types.is_integer(values.type):
        return mask(values.is_valid())
    special = pc.match_substring_regex(values.cast(pa.binary()), _SPECIAL)
    too_long = pc.greater(pc.binary_length(values), MAX_KEY_BYTES)
    return mask(pc.invert(pc.or_(special, too_long)))


def _render_plain(name: str, values: pa.Array) -> pa.Array:
    escaped = pc.replace_substring(values.cast(pa.string()), " ", r"\ ")
    return pc.binary_join_element_wise(f",{name}=", escaped, "")  # the last argument is the separator
