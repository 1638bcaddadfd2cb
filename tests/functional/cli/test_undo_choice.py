"""Which versions become undone, and which stand again, in an object and in a slot whose revisions replace others."""

from datetime import UTC, datetime
from typing import Any

import pytest

from cli.undo_choice import Choice, choose, reason_against
from tests.support.ledger_entries import item
from tests.support.slots import declare_replacing

NOW = datetime.now(UTC)


def version(number: int, status: str = "loaded", key: str = "a", **more: Any) -> Any:
    return item(key, status, 100 - number, version=f"v{number}", written=number, **more)


def in_revision(day: int, name: str, number: int, status: str = "loaded", **more: Any) -> Any:
    revision = f"processing_metadata_processed_at=2024-08-{day:02} 03:04:05.678901"
    return version(number, status, f"month=01/{revision}/{name}", **more)


def described(choice: Choice) -> tuple[list[str], list[str], list[str]]:
    """Return the end of the keys and versions of a choice."""
    undone, lost, in_place = (
        [each["object"][-1] + each["version"][-1] for each in items]
        for items in (choice.undone, choice.lost, choice.in_place)
    )
    return undone, lost, in_place


@pytest.mark.parametrize(
    ("others", "gone", "lost", "in_place"),
    [
        ([], "", [], []),
        ([version(1), version(2)], "", [], ["a2"]),
        ([version(1), version(2)], "2", ["a2"], ["a1"]),
        ([version(1), version(2)], "12", ["a2", "a1"], []),
        ([version(1), version(2, "failed")], "", [], ["a1"]),
        ([version(1), version(2, "undone")], "", [], ["a1"]),
        ([version(1), version(2, "skipped", message="superseded by version v3")], "", [], ["a2"]),
        ([version(1), version(2, "skipped", message="superseded by version v3")], "2", [], ["a1"]),
        ([version(1, "skipped", message="superseded by version v3"), version(2)], "2", ["a2"], ["a1"]),
        ([version(2, "skipped", message="superseded by version v3")], "", [], ["a2"]),
        ([version(2, "skipped", message="superseded by version v3")], "2", [], []),
        ([version(2, "skipped", message="withdrawn with loader forget")], "", [], []),
        ([version(1, "failed"), version(2, "failed")], "", [], ["a2"]),
        ([version(1, "skipped", message="superseded by version v3"), version(2, "claimed")], "", [], ["a1"]),
        ([version(1, "failed"), version(2)], "2", ["a2"], ["a1"]),
        ([version(1, "claimed")], "", [], ["a1"]),
        ([version(1, "failed")], "1", [], []),
        ([version(2, key="b")], "", [], []),
    ],
)
def test_the_newest_version_that_exists_stands_again(
    others: list[Any], gone: str, lost: list[str], in_place: list[str]
) -> None:
    named = version(3)
    choice = choose(named, [named, *others], lambda each: each["version"][-1] not in gone)
    assert (described(choice), choice.head) == ((["a3"], lost, in_place), None)


def test_a_revision_is_undone_as_a_whole_and_the_one_before_gets_the_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    declare_replacing(monkeypatch)
    named, failed, claimed = in_revision(3, "a", 7), in_revision(3, "b", 8, "failed"), in_revision(3, "c", 9, "claimed")
    late = in_revision(2, "f", 6, "skipped", message="older revision than 2024-08-03, which is loaded")
    before, other_slot = [in_revision(2, "d", 4), late, in_revision(1, "a", 1)], version(5, key="month=02/a")
    choice = choose(named, [other_slot, *before, claimed, failed, named], lambda _: True)
    assert described(choice) == (["a7", "c9", "b8"], [], ["d4", "f6"])
    assert choice.head == "2024-08-02T03:04:05.678901"

    gone = choose(named, [*before, named], lambda each: each["object"].endswith("a"))
    assert described(gone) == (["a7"], ["d4"], ["a1"])
    assert gone.head == "2024-08-01T03:04:05.678901"
    nothing = choose(named, [*before, named], lambda _: False)
    assert (described(nothing), nothing.head) == ((["a7"], ["d4", "a1"], []), None)


def test_files_that_failed_stand_again_only_if_no_older_revision_has_others(monkeypatch: pytest.MonkeyPatch) -> None:
    declare_replacing(monkeypatch)
    named, middle, old = in_revision(3, "a", 7), in_revision(2, "b", 4, "failed"), in_revision(1, "c", 1)
    former = in_revision(3, "a", 6, "failed")
    assert described(choose(named, [named, middle, old], lambda _: True)) == (["a7"], [], ["c1"])
    assert described(choose(named, [named, former, old], lambda _: True)) == (["a7", "a6"], [], ["c1"])
    assert described(choose(named, [named, former], lambda _: True)) == (["a7"], [], ["a6"])
    choice = choose(named, [named, middle], lambda _: True)
    assert (described(choice), choice.head) == ((["a7"], [], ["b4"]), "2024-08-02T03:04:05.678901")


def test_a_file_of_a_revision_that_has_a_version_before_is_undone_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    declare_replacing(monkeypatch)
    named, former = in_revision(3, "a", 7), in_revision(3, "a", 6)
    choice = choose(named, [named, former, in_revision(3, "b", 5), in_revision(2, "a", 1)], lambda _: True)
    assert (described(choice), choice.head) == ((["a7"], [], ["a6"]), None)


@pytest.mark.parametrize(
    ("own", "standing", "reason"),
    [
        (version(1, footprint="f"), "current", ""),
        (version(1, input_rows=0), "current", ""),
        (version(1), "current", "run `loader footprints 'dataset=generation/a'` first"),
        (version(1, "claimed", footprint="f"), "current", "wait for its end"),
        (version(1, "failed", footprint="f"), "current", "it is not loaded, but failed since"),
        (version(1, "undone", footprint="f"), "replaced", "it is not loaded, but undone since"),
        (version(1, footprint="f"), "replaced", "a newer version or revision is loaded: `loader stale "),
        (version(1, footprint="f"), "not judged", "files of a newer revision have just been loaded"),
    ],
)
def test_what_cannot_be_undone_has_its_reason(own: Any, standing: Any, reason: str) -> None:
    actual = reason_against(own, standing, NOW)
    assert reason in actual
    assert bool(actual) == bool(reason)
