"""The search for the lines that made InfluxDB reject a body."""

from collections.abc import Callable, Iterator, Sequence

from shared.influx_answers import Action, Answer


def rejected_lines(
    lines: Sequence[bytes], rejection: Answer, send: Callable[[Sequence[bytes]], Answer], first: int = 0
) -> Iterator[tuple[int, Answer]]:
    """Bisect a rejected body, and yield the number of each rejected line with the answer that rejected it.

    All other lines are written when the iterator ends. To find k rejected lines of n takes at most 2k⌈log₂ n⌉ requests,
    whether the server writes nothing of a rejected body or everything but the rejected lines.

    Example with line 2 of 4 rejected:

        [0 1 2 3]  rejected, by the request before
        [0 1]      written
        [2 3]      rejected
        [2]        rejected -> yields 2
        [3]        written

    Args:
        lines: The lines of the body.
        rejection: The answer to the body.
        send: Sends some of the lines as one body.
        first: The number of the first of `lines`, for the recursion.
    """
    if len(lines) == 1:
        yield first, rejection
        return
    middle = len(lines) // 2
    for start, half in ((first, lines[:middle]), (first + middle, lines[middle:])):
        answer = send(half)
        if answer.action is Action.SPLIT:
            yield from rejected_lines(half, answer, send, start)
