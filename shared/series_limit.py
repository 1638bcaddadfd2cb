"""The limit on the number of series of a file.

A tag whose values hardly repeat, such as a reading's number, gives every row a series of its own. InfluxDB keeps an
index of all series, so such a file would slow down the whole database, and deleting it later does not help at once.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

from shared.datasets import Dataset
from shared.errors import TooManySeriesError

EXAMPLES = 3
"""How many values of a tag an error shows."""


def series_limit(dataset: Dataset, max_series: int) -> int:
    """Return the limit of a dataset: its own, or else the setting `MAX_SERIES`."""
    return max_series if dataset.max_series is None else dataset.max_series


def check_series(keys: Iterable[str], limit: int) -> int:
    """Count the series of a file, and check that there are not too many.

    Args:
        keys: measurement and tags as in line protocol; a key may occur several times.
        limit: the number of different keys that is allowed. No more than these and one more are kept in memory.

    Returns:
        The number of different keys.

    Raises:
        TooManySeriesError: there are more; the message names the tag that has the most values.
    """
    distinct: set[str] = set()
    for key in keys:
        distinct.add(key)
        if len(distinct) > limit:
            raise TooManySeriesError(_message(distinct, limit))
    return len(distinct)


def _message(keys: set[str], limit: int) -> str:
    tag, values = _tag_with_most_values(keys)
    examples = ", ".join(repr(value) for value in sorted(values)[:EXAMPLES])
    return (
        f"the file has more than {limit:,} series, the limit that MAX_SERIES or the dataset sets: of the first "
        f"{len(keys):,}, the tag {tag!r} has the most values, {len(values):,}, such as {examples}. If its values "
        "hardly repeat, remove it from the dataset's tags; otherwise raise the limit"
    )


def _tag_with_most_values(keys: Iterable[str]) -> tuple[str, set[str]]:
    r"""Return the tag with the most values, and its values without escapes.

    >>> tag, values = _tag_with_most_values([r"m,a=x\,y,b=1", "m,a=z,b=1"])
    >>> tag, sorted(values)
    ('a', ['x,y', 'z'])
    """
    values: dict[str, set[str]] = defaultdict(set)
    for key in keys:
        for tag in re.split(r"(?<!\\),", key.rstrip(" "))[1:]:
            name, _, value = tag.partition("=")
            values[name].add(re.sub(r"\\([,= ])", r"\1", value))
    return max(values.items(), key=lambda item: len(item[1]), default=("", set()))
