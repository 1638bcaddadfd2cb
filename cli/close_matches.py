"""Names as operators type them: the only one that starts with the text, or those that are close to it."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

from cli.errors import RefusedError

T = TypeVar("T")

MAX_MATCHES = 3
"""How many names to suggest."""

CUTOFF = 0.6
"""How similar a name must be: difflib's ratio."""


def only_match(text: str, candidates: Mapping[str, T], kind: str) -> T | None:
    """Return the candidate with this name, or the only one whose name starts with `text`; None if none does.

    Raises:
        RefusedError: Several names start with `text`.
    """
    if text in candidates:
        return candidates[text]
    names = sorted(name for name in candidates if name.startswith(text))
    if len(names) > 1:
        more = f", and {len(names) - MAX_MATCHES:,} more" if len(names) > MAX_MATCHES else ""
        listed = ", ".join(names[:MAX_MATCHES])
        raise RefusedError(f"{len(names):,} {kind} start with {text!r}, add more characters: {listed}{more}")
    return candidates[names[0]] if names else None


def suggestion(text: str, names: Iterable[str]) -> str:
    """Return a question that lists the names that are close to `text`, with a leading space; "" if none is.

    A name of several folders is also close if only its last part is.

    >>> suggestion("generatoin.parquet", ["a/generation.parquet", "b.parquet"])
    ' (did you mean a/generation.parquet?)'
    """
    candidates = list(names)
    parts = {_last_part(name): name for name in candidates}
    matches = get_close_matches(text, candidates, MAX_MATCHES, CUTOFF)
    matches += [parts[part] for part in get_close_matches(_last_part(text), parts, MAX_MATCHES, CUTOFF)]
    listed = list(dict.fromkeys(matches))[:MAX_MATCHES]
    return f" (did you mean {' or '.join(listed)}?)" if listed else ""


def _last_part(name: str) -> str:
    return name.rstrip("/").rpartition("/")[2]
