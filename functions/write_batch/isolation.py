"""The search for the lines that made InfluxDB reject a body.

`rejected_lines` bisects the body (`Search.bisect`). Lines whose fate the bisection cannot tell are settled afterwards:
those that are too old for the bucket (`functions/write_batch/retention.py`), and those that got status 500.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from http import HTTPStatus

from functions.write_batch.rejection import Rejection, Send
from functions.write_batch.retention import Time, settle_expired, split_by_age
from shared.influx_answers import Action, Answer
from shared.rejections import is_retention

MAX_SUSPECTS = 8
"""The number of single lines that may get status 500 before any other body is accepted: then the server is down."""


def rejected_lines(lines: Sequence[int], rejection: Answer, send: Send, time_ns: Time) -> Iterator[Rejection]:
    """Bisect a rejected body, and yield each line that is rejected, or whose fate stays unknown.

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
        time_ns: The time of a line in ns since 1970.

    Raises:
        InfluxUnavailableError: InfluxDB answers every body with status 500.
    """
    search = Search(send, time_ns)
    lost = set()
    for loss in search.bisect(lines, rejection):
        lost.add(loss.line)
        yield loss
    others = set(lines) - lost - search.expired.keys() - search.unclear.keys()
    yield from settle_expired(search.expired, others, lost, send, time_ns)
    # InfluxDB may have stored these lines with an earlier body, unless it stored no line of any.
    for line, answer in search.unclear.items():
        may_be_stored = others or answer.status == HTTPStatus.INTERNAL_SERVER_ERROR
        yield Rejection(line, answer, "unknown" if may_be_stored else "rejected")


class Search:
    """The bisection of one body.

    Attributes:
        expired: The lines that are too old for the bucket, each with the answer that told the bound.
        unclear: The lines whose answer does not tell whether they are stored, each with that answer.
    """

    def __init__(self, send: Send, time_ns: Time) -> None:
        self._send = send
        self._time_ns = time_ns
        self._accepted = False
        self.expired: dict[int, Answer] = {}
        self.unclear: dict[int, Answer] = {}

    def bisect(self, lines: Sequence[int], rejection: Answer) -> Iterator[Rejection]:
        """Yield the lines that InfluxDB certainly rejected."""
        unsettled: deque[tuple[Sequence[int], Answer | None]] = deque([(lines, rejection)])
        while unsettled:
            some, known_answer = unsettled.popleft()
            answer = known_answer or self._send(some)
            self._accepted |= answer.status != HTTPStatus.INTERNAL_SERVER_ERROR
            if answer.action is Action.DONE:
                continue
            if answer.lower_bound_ns is not None:
                old, some = split_by_age(some, answer.lower_bound_ns, self._time_ns)
                self.expired |= dict.fromkeys(old, answer)
                if old:
                    unsettled.extendleft([(some, None)] if some else [])
                    continue
            if len(some) > 1:
                middle = len(some) // 2
                unsettled.extendleft([(some[middle:], None), (some[:middle], None)])
            elif self._is_unclear(answer):
                self._add_unclear(some[0], answer)
            else:
                yield Rejection(some[0], answer, "rejected")

    def _is_unclear(self, answer: Answer) -> bool:
        return answer.status == HTTPStatus.INTERNAL_SERVER_ERROR or is_retention(answer.message)

    def _add_unclear(self, line: int, answer: Answer) -> None:
        self.unclear[line] = answer
        if not self._accepted and len(self.unclear) > MAX_SUSPECTS:
            raise answer.exception("the search for rejected points")
