"""The points of a rejected body that are older than the bucket's retention period.

InfluxDB 2.7 stores an old point if a newer point of the same shard group is in the same request, and rejects it alone.
So the search must not send old points alone: it would report points as rejected that an earlier request stored. Only
the shard group that contains the bound can have points on both sides of it. `settle_expired` sends old points together
with the oldest point that is not too old, and so learns from an acknowledgment which of them lie in that group.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from functions.write_batch.rejection import Rejection, Send
from shared.influx_answers import Action, Answer

Time = Callable[[int], int]
"""A function that returns the time of a line in ns since 1970."""


def settle_expired(
    expired: Mapping[int, Answer], current: Collection[int], rejected: Collection[int], send: Send, time_ns: Time
) -> Iterator[Rejection]:
    """Yield the old lines that are rejected, or whose fate stays unknown; all others are acknowledged afterwards.

    Example with lines at 9, 8, 5 and 3 o'clock, shard groups of four hours from 0, 4 and 8 o'clock, and the bound at
    8:30. The line of 9 is current.

        [9 8]      written        8 is in the group of 9
        [9 8 5 3]  rejected       [9 8 5] rejected as well -> yields 5 and 3

    Args:
        expired: The old lines, each with the answer that told the bound.
        current: The lines of the batch that are acknowledged and not too old.
        rejected: The lines of the batch that are rejected for another reason. InfluxDB may have stored an old line
            that was in one request with them.
        send: Sends some of the lines as one body.
        time_ns: The time of a line.
    """
    newest_first = sorted(expired, key=time_ns, reverse=True)
    companion = min(current, key=time_ns, default=None)
    # The companion proves nothing about the shard group of an older line that was rejected.
    is_proof = not rejected if companion is None else all(time_ns(line) >= time_ns(companion) for line in rejected)
    stored, limit, size = 0, len(newest_first) if companion is not None else 0, 1
    while companion is not None and stored < limit:
        answer = send([companion, *newest_first[:size]])
        if answer.action is Action.DONE:
            stored = size
        elif answer.lower_bound_ns is None or answer.lower_bound_ns > time_ns(companion):
            # Another problem, or the companion has become too old meanwhile: nothing is proven about the rest.
            yield from (Rejection(line, expired[line], "unknown") for line in newest_first[stored:limit])
            break
        else:
            limit = size - 1
        size = limit if size == 1 else (stored + limit + 1) // 2
    yield from (Rejection(line, expired[line], "rejected" if is_proof else "unknown") for line in newest_first[limit:])


def split_by_age(lines: Sequence[int], bound_ns: int, time_ns: Time) -> tuple[list[int], list[int]]:
    """Return the lines that are too old, and the others."""
    old = [line for line in lines if time_ns(line) < bound_ns]
    return old, [line for line in lines if time_ns(line) >= bound_ns]
