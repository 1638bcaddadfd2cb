"""Tag values as line protocol has them."""

import re

from functions.convert_and_chunk.verdicts import Reason

MAX_KEY_BYTES = 65_535
"""InfluxDB refuses a longer measurement and tag set."""

_ESCAPES = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]|\\(?=[,= \\]|$)")
"""Control characters, what was no UTF-8, and a backslash that would seem to escape what follows: parsers disagree."""


def trim(value: str | None) -> str:
    """What a text says. Null, nothing and "-" are no value."""
    text = (value or "").strip()
    return "" if text == "-" else text


def render_tag(name: str, value: str | None, *, required: bool) -> tuple[str, Reason | None]:
    """`,name=value`, trimmed and escaped, or nothing; and why rows that have this value are set aside, if they are.

    Only a required tag minds no value.
    """
    if not (text := trim(value)):
        return "", Reason("missing_tag", f"{name} is empty") if required else None
    if len(text) > MAX_KEY_BYTES or _UNUSABLE.search(text):
        return "", Reason("unusable_tag", f"{name} holds what line protocol cannot carry, or is too long")
    return f",{name}={text.translate(_ESCAPES)}", None
