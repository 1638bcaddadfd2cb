"""A line that InfluxDB rejected, as the search for such lines finds it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from shared.influx_answers import Answer
from shared.stored import Fate

Send = Callable[[Sequence[int]], Answer]
"""A function that sends the lines with these numbers as one body."""


class Rejection(NamedTuple):
    """A line that is not acknowledged: its number, the answer to it, and its fate, "rejected" or "unknown"."""

    line: int
    answer: Answer
    fate: Fate
