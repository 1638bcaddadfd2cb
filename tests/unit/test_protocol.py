"""The protocol of revisions, explored exhaustively: each interleaving of the requests of a few loads, with crashes.

All loads write one and the same point. Each step of `Load` is one request as an execution makes it: to the ledger, or
to InfluxDB. The decisions between the requests are the real ones. A crash begins the execution's successor, which the
ledger sees as another registration of the same version.
"""

from collections.abc import Iterator
from functools import cache
from random import Random
from typing import Any, NamedTuple

import pytest

from functions.register_load.month_items import is_confirmed
from functions.register_load.protocol import ended_before, has_ended, newer_written, obsolete, older_to_outlast
from shared.registrations import Registration

NOW = "2024-01-01T00:00:00+00:00"
NOTHING = -1
"""The value in InfluxDB before any load. A load with rank 2 writes the value 2."""


class Load(NamedTuple):
    """One execution: its next step, what it remembers, and its item in the ledger.

    Attributes:
        rank: the rank of its version; a larger one is newer.
        attempt: counts the executions of this version.
        step: the next request.
        filter_: the newer registrations whose points it leaves out; not empty means that it writes nothing.
        settled: the registrations that had ended before it wrote, for the first time or again.
        remembered: those that had ended before it wrote for the first time.
        left_out: `left_out` of its item, None without it.
        written: `written` of its item.
        active: whether it may still write, according to its item.
        confirmed: `confirmed` of its item.
        due: whether an execution of its version was written and then crashed, so that this one must not give up.
        expires: whether its item may be deleted once every load that registered before its end has ended.
        deleted: whether its item is deleted.
    """

    rank: int
    attempt: int = 0
    step: str = "register"
    filter_: frozenset[str] = frozenset()
    settled: frozenset[str] = frozenset()
    remembered: frozenset[str] = frozenset()
    left_out: frozenset[str] | None = None
    written: bool = False
    active: bool = True
    confirmed: bool = False
    due: bool = False
    expires: bool = False
    deleted: bool = False

    @property
    def name(self) -> str:
        return f"{self.rank}/{self.attempt}"


State = tuple[tuple[Load, ...], int, int]
"""All executions, the value in InfluxDB, and the number of crashes that may still happen."""


@cache
def item(load: Load) -> Registration:
    """The load's item in the ledger."""
    own: Registration = {
        "object": "points:ons/generation_data/2024-01",
        "version": load.name,
        "revision": f"{load.rank:02}",
        "source": f"s3://source/{load.rank}",
        "source_version": "v1",
        "last_modified": 0,
        "sequencer": "",
        "dataset": "generation",
        "load_id": str(load.rank),
        "execution": str(load.attempt),
        "bucket_id": "",
        "first_ns": 0,
        "last_ns": 0,
        "written": load.written,
        "active_until": "9999" if load.active else "",
        "confirmed": load.confirmed,
    }
    if load.expires:
        own = {**own, "expires_at": 0}
    return own if load.left_out is None else {**own, "left_out": sorted(load.left_out)}


def steps(load: Load, month: list[Registration], value: int) -> Iterator[tuple[Load, int]]:
    """Yield the state of the load, and the value in InfluxDB, after its next request. A load that waits has none."""
    if load.step in ("write", "write again"):
        after = "mark" if load.step == "write" else "confirm"
        yield load._replace(step=after), value if load.filter_ else load.rank
    elif load.step == "read":
        settled = frozenset(ended_before([month], NOW))
        newer = names_of_newer(load, month)
        step = "record" if newer else "reply"
        yield load._replace(step=step, filter_=newer, settled=settled, remembered=settled), value
    elif load.step == "record":
        left_out = load.filter_ if load.left_out is None else load.left_out & load.filter_
        step = "write again" if load.written else "reply"
        yield load._replace(step=step, left_out=left_out), value
        if left_out:  # there are too many names to record this one
            yield load._replace(step=step, left_out=frozenset()), value
    elif load.step == "confirm":
        yield from ((after, value) for after in confirm(load, month))
    elif load.step in SIMPLE_STEPS:
        yield load._replace(**SIMPLE_STEPS[load.step]), value


FORGOTTEN: dict[str, Any] = {"step": "", "active": False, "confirmed": False} | dict.fromkeys(
    ("filter_", "settled", "remembered"), frozenset()
)
"""An execution that has ended leaves only its item, which makes many states equal."""

SIMPLE_STEPS: dict[str, dict[str, Any]] = {
    "register": {"step": "read"},
    "reply": {"step": "write"},  # RegisterLoad has ended, so it is not repeated any more
    "mark": {"step": "confirm", "written": True},
    "end": FORGOTTEN,
}


def confirm(load: Load, month: list[Registration]) -> Iterator[Load]:
    """Yield the load after its second read of the ledger, unless it waits."""
    if is_confirmed([item(load)], [month]):
        yield load._replace(step="end")
        return
    older = older_to_outlast(item(load), month, load.settled)
    if not older:
        yield load._replace(step="end")
    elif all(has_ended(other, NOW) for other in older):
        newer = names_of_newer(load, month)
        shrinks = load.left_out is not None and not load.left_out <= newer
        settled = load.settled | {other["version"] for other in older}
        yield load._replace(step="record" if shrinks else "write again", filter_=newer, settled=settled)


def names_of_newer(load: Load, month: list[Registration]) -> frozenset[str]:
    return frozenset(newer["version"] for newer in newer_written(item(load), month))


def crashes(load: Load, value: int) -> Iterator[tuple[tuple[Load, ...], int]]:
    """Yield what may follow if a function crashes now: it runs again, or the next execution, or none.

    A load that is written is always taken up again: loads that left out its points rely on it.
    """
    if load.step in ("register", ""):
        return
    dead = load._replace(**FORGOTTEN)
    yield (dead, Load(load.rank, load.attempt + 1, due=load.written or load.due)), value
    if not (load.written or load.due):
        yield (dead,), value
    if load.step in ("write", "write again") and not load.filter_:  # the function writes, but its reply is lost
        yield (load,), load.rank
    if load.step == "end":  # the registrations are ended, or one of several, but the reply is lost
        ended: dict[str, Any] = {"step": "confirm", "active": False, "confirmed": True, "settled": load.remembered}
        yield (load._replace(**ended),), value
    if repeated := {"record": "read", "reply": "read", "write again": "confirm"}.get(load.step):
        yield (load._replace(step="confirm" if load.written else repeated, settled=load.remembered),), value


def moves(state: State) -> Iterator[State]:
    return (follower for number in range(len(state[0])) for follower in moves_of(number, state))


def moves_of(number: int, state: State) -> Iterator[State]:
    """Yield what may follow from one of the loads."""
    loads, value, crashes_left = state
    load, others = loads[number], loads[:number] + loads[number + 1 :]
    month = [item(each) for each in loads if each.step != "register" and not each.deleted]
    for after, new_value in steps(load, month, value):
        expired = expire(others, load, month) if load.step == "end" else others
        yield tuple(sorted((*expired, after))), new_value, crashes_left
    if load.expires and not load.deleted and not any(is_concurrent(other, load) for other in others):
        yield tuple(sorted((*others, load._replace(deleted=True, left_out=None)))), value, crashes_left
    for rest, new_value in crashes(load, value) if crashes_left else ():
        yield tuple(sorted((*others, *rest))), new_value, crashes_left - 1


def expire(others: tuple[Load, ...], load: Load, month: list[Registration]) -> tuple[Load, ...]:
    """Return the other loads after the end of `load`, which lets obsolete items expire."""
    names = {each["version"] for each in obsolete(item(load), month, NOW)}
    return tuple(other._replace(expires=True) if other.name in names else other for other in others)


def is_concurrent(load: Load, other: Load) -> bool:
    """Return whether `load` is running, and registered before `other` had ended. An item expires later than that."""
    return load.step not in ("", "register") and other.name not in load.remembered


def is_right(state: State) -> bool:
    """Whether all executions have ended, and InfluxDB holds the newest value.

    A version that was given up before it was written may have stored its value, so then either is right.
    """
    loads, value, _ = state
    complete = {load.rank for load in loads if load.written}
    given_up = {load.rank for load in loads} - complete
    newest = max(complete, default=NOTHING)
    return all(not load.step for load in loads) and (value == newest or (value in given_up and value > newest))


def wrong_ends(loads: int, crash_count: int) -> tuple[int, list[State]]:
    """Explore everything that can happen. Return the number of states, and the wrong ends."""
    start: State = tuple(Load(rank) for rank in range(loads)), NOTHING, crash_count
    seen, wrong, stack = {start}, [], [start]
    while stack:
        state = stack.pop()
        followers = set(moves(state))
        if not followers and not is_right(state):
            wrong.append(state)
        stack.extend(followers - seen)
        seen |= followers
    return len(seen), wrong


@pytest.mark.parametrize(
    ("loads", "crash_count"),
    [
        (2, 3),
        (3, 1),
        (4, 0),
        pytest.param(3, 2, marks=pytest.mark.slow),
        pytest.param(4, 1, marks=pytest.mark.slow),
    ],
)
def test_the_newest_value_stands_whatever_happens_in_whatever_order(loads: int, crash_count: int) -> None:
    states, wrong = wrong_ends(loads, crash_count)
    assert states > 50
    assert wrong == []


def random_end(seed: int) -> State:
    """Return the end of a random history of up to 24 loads, such as eight revisions of three files, with crashes."""
    chance = Random(seed)  # noqa: S311 - a test needs repeatable histories
    count = chance.randint(5, 24)
    state: State = tuple(Load(rank) for rank in range(count)), NOTHING, chance.randint(0, count)
    numbers = list(range(count))
    while numbers:
        number = chance.choice(numbers)
        if followers := list(moves_of(number, state)):
            state = chance.choice(followers)
            numbers = list(range(len(state[0])))
        else:
            numbers.remove(number)
    return state


@pytest.mark.parametrize(
    "seeds", [range(100), pytest.param(range(100, 2000), marks=pytest.mark.slow)], ids=["quick", "many"]
)
def test_random_histories_of_many_loads_end_with_the_newest_value(seeds: range) -> None:
    assert [seed for seed in seeds if not is_right(random_end(seed))] == []


def test_a_forced_load_of_an_older_version_is_not_held_back_by_the_newer_version_of_its_object() -> None:
    newer = {**item(Load(1, written=True)), "source": "s3://source/0", "source_version": "v2", "last_modified": 1}
    assert newer_written(item(Load(0)), [newer]) == []  # type: ignore[list-item]
    assert newer_written(item(Load(0)), [item(Load(1, written=True))]) != []


def test_of_two_written_versions_of_another_object_only_the_newer_one_counts() -> None:
    first = item(Load(1, written=True))
    second: Registration = {**first, "version": "1/1", "source_version": "v2", "last_modified": 1}
    assert newer_written(item(Load(0)), [first, second]) == [second]
