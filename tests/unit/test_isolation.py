"""Bisection: which lines are refused, what else is written, and how many requests that takes."""

from collections.abc import Collection, Sequence
from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.write_batch.isolation import rejected_lines
from shared.influx_answers import Answer, HttpReply, interpret


class Server:
    """Refuses bodies with `bad` lines: with 400 it writes nothing of them, with 422 the rest."""

    def __init__(self, bad: Collection[bytes], status: int) -> None:
        self.bad = bad
        self.status = status
        self.requests = 0
        self.written: list[bytes] = []

    def send(self, numbers: Sequence[int]) -> Answer:
        self.requests += 1
        lines = [b"%d" % number for number in numbers]
        good = [line for line in lines if line not in self.bad]
        refused = len(good) < len(lines)
        if not refused or self.status == 422:
            self.written.extend(good)
        return interpret(HttpReply(status=self.status if refused else 204))


def isolate(count: int, bad: Collection[int], status: int) -> tuple[Server, list[int]]:
    """Send lines named by their numbers, as WriteBatch does: whole first, then bisected if refused."""
    server = Server({b"%d" % number for number in bad}, status)
    whole = server.send(range(count))
    found = rejected_lines(range(count), whole, server.send, int) if bad else iter(())
    return server, [rejection.line for rejection in found]


def most_requests(count: int, bad: int) -> int:
    return 2 * bad * ceil(log2(count)) + 1


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("bad", [0, 1, 7, 50])
def test_bad_lines_of_5000_are_found_within_the_bound(bad: int, status: int) -> None:
    numbers = [(997 * number + 13) % 5000 for number in range(bad)]
    server, found = isolate(5000, numbers, status)
    assert sorted(found) == sorted(numbers)
    assert {int(line) for line in server.written} == set(range(5000)) - set(numbers)
    assert server.requests <= most_requests(5000, bad)


def test_a_line_is_written_once_where_400_writes_nothing() -> None:
    server, _ = isolate(5000, [0, 1, 2500, 4999], 400)
    assert len(server.written) == len(set(server.written)) == 4996


@given(st.data(), st.integers(1, 200), st.sampled_from([400, 422]))
def test_any_set_of_bad_lines_is_found(data: st.DataObject, count: int, status: int) -> None:
    bad = data.draw(st.sets(st.integers(0, count - 1)))
    server, found = isolate(count, bad, status)
    assert found == sorted(bad)
    assert {int(line) for line in server.written} == set(range(count)) - bad
    assert server.requests <= most_requests(count, len(bad))


def test_a_body_that_is_too_large_is_halved_until_it_fits() -> None:
    sizes: list[int] = []

    def send(lines: Sequence[int]) -> Answer:
        sizes.append(len(lines))
        return interpret(HttpReply(status=413 if len(lines) > 3 else 204))

    assert list(rejected_lines(range(10), send(range(10)), send, int)) == []
    assert sum(size for size in sizes if size <= 3) == 10


def test_a_single_line_that_is_too_large_is_rejected() -> None:
    def send(lines: Sequence[int]) -> Answer:
        return interpret(HttpReply(status=413 if 1 in lines else 204))

    rejections = rejected_lines(range(3), send(range(3)), send, int)
    assert [(line, answer.status, fate) for line, answer, fate in rejections] == [(1, 413, "rejected")]
