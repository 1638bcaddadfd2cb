"""The states of the model in `protocol_loads`: all executions together, and everything that may follow."""

from collections.abc import Iterator
from functools import cache

from tests.support.protocol_items import NO_NAMES, Item, Month, Names, names_of_obsolete
from tests.support.protocol_loads import Load, crashes, followers

NOTHING = -1
"""The value in InfluxDB before any load. A load with rank 2 writes the value 2."""

Loads = tuple[Load, ...]

State = tuple[Loads, int, int]
"""All executions, ordered by their items, the value in InfluxDB, and the number of crashes that may still happen."""


def start(loads: int, crash_count: int) -> State:
    """Return the state before all these loads."""
    return tuple(Load(Item(rank, 0)) for rank in range(loads)), NOTHING, crash_count


def moves(state: State) -> Iterator[State]:
    """Yield what may follow. After the end of all executions, nothing does that would change a value."""
    if any(load.step for load in state[0]):
        for number in range(len(state[0])):
            yield from moves_of(number, state)


def moves_of(number: int, state: State) -> Iterator[State]:
    """Yield what may follow from one of the loads."""
    loads, value, crashes_left = state
    load, others = loads[number], loads[:number] + loads[number + 1 :]
    month = tuple(each.item for each in loads if each.step != "register" and not each.deleted)
    for after, writes, cost in followers(load, month):
        if cost <= crashes_left:
            new_value = load.item.rank if writes else value
            for rest in _expirations(others, load, month, cost) if load.step == "end" else (others,):
                yield _state((*rest, after), new_value, crashes_left - cost)
    if load.item.expires and not load.deleted and not any(_is_concurrent(other, load) for other in others):
        yield _state((*others, load._replace(deleted=True)), value, crashes_left)
    for left in crashes(load) if crashes_left else ():
        yield _state((*others, *left), value, crashes_left - 1)


def _expirations(others: Loads, load: Load, month: Month, cost: int) -> set[Loads]:
    """Return the other loads after the end of `load`, which lets obsolete items expire, unless it crashes before."""
    names = names_of_obsolete(load.item, month)
    expired = tuple(
        other._replace(item=other.item._replace(expires=True)) if other.item.name in names else other
        for other in others
    )
    return {others, expired} if cost else {expired}


def _is_concurrent(load: Load, other: Load) -> bool:
    """Return whether `load` is running, and registered before `other` had ended. An item expires later than that."""
    return load.step not in ("", "register") and other.item.name not in load.remembered


def _state(loads: Loads, value: int, crashes_left: int) -> State:
    return forget(loads), value, crashes_left


def forget(loads: Loads) -> Loads:
    """Return the loads in order, without what no later decision reads."""
    running = frozenset(load.item.name for load in loads if load.step)
    present = frozenset(load.item.name for load in loads if not load.deleted)
    kept = (_forget_names(load, running if not load.step else present) for load in loads)
    return tuple(sorted(load for load in kept if not (load.deleted and _is_told_by_another(load, loads))))


@cache
def _forget_names(load: Load, names: Names) -> Load:
    if not load.step:
        left_out = NO_NAMES if load.deleted else load.item.left_out & names
        return load._replace(item=load.item._replace(left_out=left_out))
    return load._replace(settled=load.settled & names, remembered=load.remembered & names)


def _is_told_by_another(load: Load, loads: Loads) -> bool:
    """Return whether another load tells too that the version exists, and that it was written, if it was."""
    own = load.item
    others = (other for other in loads if other.item.rank == own.rank and other.item.name != own.name)
    return any(
        other.item.written >= own.written
        and (not other.deleted or (other.item.written, other.item.attempt) > (own.written, own.attempt))
        for other in others
    )


def is_right(state: State) -> bool:
    """Return whether all executions have ended, and InfluxDB holds the newest value.

    A version that was given up before it was written may have stored its value, so then either is right.
    """
    loads, value, _ = state
    complete = {load.item.rank for load in loads if load.item.written}
    given_up = {load.item.rank for load in loads} - complete
    newest = max(complete, default=NOTHING)
    return all(not load.step for load in loads) and (value == newest or (value in given_up and value > newest))


def explore(loads: int, crash_count: int) -> tuple[int, list[State]]:
    """Explore everything that can happen. Return the number of states, and the wrong ends."""
    first = start(loads, crash_count)
    seen, wrong, stack = {first}, list[State](), [first]
    while stack:
        state = stack.pop()
        followers_ = set(moves(state))
        if not followers_ and not is_right(state):
            wrong.append(state)
        new = followers_ - seen
        stack.extend(new)
        seen |= new
    return len(seen), wrong
