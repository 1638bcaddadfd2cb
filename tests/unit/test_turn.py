"""The decision which version of an object may be loaded, given the versions in the ledger."""

from datetime import UTC, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.validate_schema.turn import ITS_TURN, Turn, turn
from shared.ledger import LedgerItem, is_newer

NOW = datetime(2024, 1, 1, 12, tzinfo=UTC)
THEN, SOON, LATE = "2024-01-01T12:00:00Z", "2024-01-01T12:00:20Z", "2024-01-01T18:00:00Z"


def item(
    version: str,
    last_modified: int,
    *,
    sequencer: str = "",
    status: str = "claimed",
    since: str = "2024-01-01T06:00:00Z",
    until: str = "",
) -> LedgerItem:
    names = {"object": "s3://b/k", "version": f"{last_modified} {version}", "status": status, "execution": "arn"}
    times = {"last_modified": last_modified, "claimed_at": since, "lease_until": until}
    found: dict[str, Any] = {**names, **times, "sequencer": sequencer}
    return cast(LedgerItem, found)


THIS = item("this", 100, sequencer="0055AED6DC", until=LATE)


def turn_beside(*other_items: LedgerItem, this: LedgerItem = THIS) -> Turn:
    return turn(this["version"], [*other_items, this], NOW)


def test_a_version_without_others_may_be_loaded() -> None:
    assert turn_beside() == ITS_TURN


@pytest.mark.parametrize("status", ["claimed", "loaded"])
def test_a_newer_version_supersedes_it(status: str) -> None:
    assert turn_beside(item("new", 101, status=status, until=THEN)) == Turn(skipped="superseded by version new")


def test_an_older_version_that_is_loaded_does_not_block_a_newer_one() -> None:
    assert turn_beside(item("old", 99, status="loaded")) == ITS_TURN


def test_it_waits_for_an_older_version_that_is_being_loaded() -> None:
    assert turn_beside(item("old", 99, until=SOON)) == Turn(not_before=SOON)


@pytest.mark.parametrize(
    ("since", "not_before"),
    [("12:00:00", "12:00:02"), ("11:59:58", "12:00:02"), ("11:59:50", "12:00:10"), ("08:00:00", "12:01:00")],
)
def test_the_wait_grows_with_the_age_of_the_other_claim(since: str, not_before: str) -> None:
    older = item("old", 99, since=f"2024-01-01T{since}Z", until=LATE)
    assert turn_beside(older).not_before == f"2024-01-01T{not_before}Z"


def test_it_looks_again_when_the_first_of_several_may_have_ended() -> None:
    older_items = [item("old", 99, until=SOON), item("older", 98, since="2024-01-01T11:59:55Z", until=LATE)]
    assert turn_beside(*older_items) == Turn(not_before="2024-01-01T12:00:05Z")


def test_it_does_not_wait_for_a_lease_that_has_ended() -> None:
    assert turn_beside(item("old", 99, until=THEN)) == ITS_TURN


def test_a_newer_version_takes_precedence_over_an_older_one() -> None:
    assert turn_beside(item("old", 99, until=LATE), item("new", 101, until=LATE)).skipped == "superseded by version new"


def test_the_sequencer_decides_where_both_have_one() -> None:
    assert turn_beside(item("new", 100, sequencer="0055AED6DD")).skipped == "superseded by version new"
    assert turn_beside(item("new", 99, sequencer="0055AED6DC01")).skipped == "superseded by version new"
    assert turn_beside(item("old", 101, sequencer="0055AED6DB", until=SOON)).not_before == SOON


def test_the_time_decides_where_one_has_no_sequencer() -> None:
    assert turn_beside(item("new", 101)).skipped == "superseded by version new"
    assert turn_beside(item("new", 101, sequencer="FF"), this=item("this", 100)).skipped == "superseded by version new"


def test_of_two_versions_of_one_second_neither_is_newer() -> None:
    assert turn_beside(item("twin", 100, until=LATE)) == ITS_TURN


items = st.builds(item, st.text("ab", max_size=3), st.integers(0, 3), sequencer=st.text("0A", max_size=3))


@given(items, items)
def test_of_two_versions_at_most_one_is_newer(one: LedgerItem, other: LedgerItem) -> None:
    assert not (is_newer(one, other) and is_newer(other, one))


@given(items, items)
def test_of_two_versions_that_are_claimed_at_once_at_most_one_goes_first(one: LedgerItem, other: LedgerItem) -> None:
    """If one is newer, exactly one of them is skipped."""
    for claimed in (one, other):
        claimed["lease_until"] = LATE
    one["version"], other["version"] = "1 one", "2 other"
    turns = [turn(each["version"], [one, other], NOW) for each in (one, other)]
    if is_newer(one, other) or is_newer(other, one):
        assert sorted(bool(each.skipped) for each in turns) == [False, True]
