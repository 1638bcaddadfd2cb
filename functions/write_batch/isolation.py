"""The search for the lines that made InfluxDB reject a body."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from shared.influx_answers import Action, Answer
from shared.stored import Fate

Send = Callable[[Sequence[int]], Answer]
"""A function that sends the lines with these numbers as one body."""


class Rejection(NamedTuple):
    """A line that is not acknowledged: its number, the answer to it, and its fate, "rejected" or "unknown"."""

    line: int
    answer: Answer
    fate: Fate


def rejected_lines(lines: Sequence[int], rejection: Answer, send: Send) -> Iterator[Rejection]:
    """Bisect a rejected body, and yield each rejected line with the answer that rejected it.

    InfluxDB has acknowledged all other lines when the iterator ends. To find k rejected lines of n takes at most
    2k⌈log₂ n⌉ requests, whether the server writes nothing of a rejected body or everything but the rejected lines.

    Example with line 2 of 4 rejected:

        [0 1 2 3]  rejected, by the request before
        [0 1]      written
        [2 3]      rejected
        [2]        rejected -> yields 2
        [3]        written

    Args:
        lines: The numbers of the lines in the body.
        rejection: The answer to the body.
        send: Sends some of the lines as one body.
    """
    unsettled: deque[tuple[Sequence[int], Answer | None]] = deque([(lines, rejection)])
    while unsettled:
        some, answer = unsettled.popleft()
        answer = answer or send(some)
        if answer.action is Action.DONE:
            continue
        if len(some) == 1:
            yield Rejection(some[0], answer, "rejected")
            continue
        middle = len(some) // 2
        unsettled.extendleft([(some[middle:], None), (some[:middle], None)])
