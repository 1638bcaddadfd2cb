"""Texts of limited length: names and values of a file may be as long as the file."""

MAX_CELL_CHARACTERS = 500
"""The limit of a list of names in a cell of a table."""

_GAP = " … "


def bound(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters, with its beginning and its end, which mostly says what to do.

    >>> bound("begin" + "x" * 100 + "end", 16), bound("short", 16)
    ('beginxx … xxxend', 'short')

    Args:
        text: The text.
        limit: The number of characters, at least 5.
    """
    if len(text) <= limit:
        return text
    room = limit - len(_GAP)
    return f"{text[: room - room // 2]}{_GAP}{text[len(text) - room // 2 :]}"
