"""The protocol of revisions, explored exhaustively: each interleaving of the requests of a few loads, with crashes."""

from random import Random

import pytest

from functions.register_load.protocol import newer_written
from shared.registrations import Registration
from tests.support.protocol_items import Item, registration
from tests.support.protocol_states import State, explore, is_right, moves_of, start


@pytest.mark.parametrize(
    ("loads", "crash_count"),
    [
        (2, 3),
        (3, 1),
        (4, 0),
        pytest.param(3, 2, marks=pytest.mark.slow),  # 733,930 states, 34 s of processor time
        pytest.param(4, 1, marks=pytest.mark.slow),  # 1,982,267 states, 96 s, 0.7 GB
    ],
)
def test_the_newest_value_stands_whatever_happens_in_whatever_order(loads: int, crash_count: int) -> None:
    states, wrong = explore(loads, crash_count)
    assert states > 10_000
    assert wrong == []


def random_end(seed: int) -> State:
    """Return the end of a random history of up to 24 loads, such as eight revisions of three files, with crashes."""
    chance = Random(seed)  # noqa: S311 - a test needs repeatable histories
    count = chance.randint(5, 24)
    state = start(count, crash_count=chance.randint(0, count))
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


OLDER, NEWER = registration(Item(0, 0)), registration(Item(1, 0, written=True))


def test_a_forced_load_of_an_older_version_is_not_held_back_by_the_newer_version_of_its_object() -> None:
    same_object: Registration = {**NEWER, "source": OLDER["source"], "source_version": "v2", "last_modified": 1}
    assert newer_written(OLDER, [same_object]) == []
    assert newer_written(OLDER, [NEWER]) != []


def test_of_two_written_versions_of_another_object_only_the_newer_one_counts() -> None:
    second: Registration = {**NEWER, "version": "1/1", "source_version": "v2", "last_modified": 1}
    assert newer_written(OLDER, [NEWER, second]) == [second]
