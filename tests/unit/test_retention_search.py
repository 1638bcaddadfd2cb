"""The search for points that are too old for their bucket, on a server that stores them by shard groups as 2.7 does."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import ceil, log2

from hypothesis import given
from hypothesis import strategies as st

from functions.write_batch.isolation import rejected_lines
from shared.influx_answers import Answer, HttpReply, interpret

BOUND = 1000
CONFLICT = (
    'partial write: field type conflict: input field "f" on measurement "m" is type float, already exists as type'
)


class Server:
    """Stores a point if it is not too old, or if a newer point of the same request opens its shard group."""

    def __init__(self, times: Sequence[int], group: int, bad: frozenset[int] = frozenset()) -> None:
        self.times = times
        self.group = group
        self.bad = bad
        self.stored: set[int] = set()
        self.requests = 0

    def send(self, lines: Sequence[int]) -> Answer:
        self.requests += 1
        groups = {self.times[line] // self.group for line in lines if self.times[line] >= BOUND}
        kept = {line for line in lines if self.times[line] // self.group in groups}
        self.stored |= kept - self.bad
        if kept & self.bad:
            return interpret(HttpReply(status=422, data={"message": f"{CONFLICT} integer dropped={len(lines)}"}))
        if len(kept) < len(lines):
            bound = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=BOUND)
            text = "dropped 1 points outside retention policy of duration 1h0m0s - oldest point m at x dropped because "
            text += f"it violates a Retention Policy Lower Bound at {bound:%Y-%m-%dT%H:%M:%SZ}, newest point …"
            return interpret(HttpReply(status=422, data={"message": text}))
        return interpret(HttpReply(status=204))


def search(server: Server) -> dict[int, str]:
    lines = range(len(server.times))
    whole = server.send(lines)
    if whole.status == 204:
        return {}
    found = rejected_lines(lines, whole, server.send, lambda line: server.times[line] * 10**9)
    return {rejection.line: rejection.fate for rejection in found}


@given(st.lists(st.integers(0, 2 * BOUND), min_size=1, max_size=60), st.integers(1, 3000))
def test_exactly_the_points_that_are_not_stored_are_rejected(times: list[int], group: int) -> None:
    server = Server(times, group)
    fates = search(server)
    assert set(fates.values()) <= {"rejected"}
    assert fates.keys() == set(range(len(times))) - server.stored
    assert server.requests <= 5 + ceil(log2(len(times) + 1))


@given(st.lists(st.integers(0, 2 * BOUND), min_size=1, max_size=40), st.integers(1, 3000), st.data())
def test_with_type_conflicts_too_a_point_is_never_called_stored_or_rejected_by_mistake(
    times: list[int], group: int, data: st.DataObject
) -> None:
    bad = data.draw(st.frozensets(st.integers(0, len(times) - 1)))
    server = Server(times, group, bad)
    fates = search(server)
    rejected = {line for line, fate in fates.items() if fate == "rejected"}
    assert rejected.isdisjoint(server.stored)
    assert set(range(len(times))) - fates.keys() <= server.stored


def test_a_hundred_old_points_cost_few_requests() -> None:
    server = Server([*range(900, 1000), *range(1000, 5900)], group=1)
    assert len(search(server)) == 100
    assert server.requests <= 4
