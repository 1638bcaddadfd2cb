"""Which lines of a refused body are the reason."""

from collections.abc import Callable, Iterator, Sequence

from shared.influx_answers import Action, Answer


def refused_lines(
    lines: Sequence[bytes], refusal: Answer, send: Callable[[Sequence[bytes]], Answer], first: int = 0
) -> Iterator[tuple[int, Answer]]:
    """Bisect `lines`, which were answered by `refusal`: the number of each refused line, counted from `first`, and why.

    Every other line is written when the iterator ends. Each of k refused lines of n takes at most 2·⌈log₂ n⌉
    requests, whether the server writes nothing of a refused body or the rest of it.
    """
    if len(lines) == 1:
        yield first, refusal
        return
    middle = len(lines) // 2
    for start, half in ((first, lines[:middle]), (first + middle, lines[middle:])):
        answer = send(half)
        if answer.action is Action.SPLIT:
            yield from refused_lines(half, answer, send, start)
