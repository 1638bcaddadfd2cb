"""The plan of an undo names every file, and what becomes of the points."""

from typing import Any

import pytest

from cli.deployed.undo_plan import Removal, UndoPlan
from cli.deployed.undone_points import SharingFile
from cli.undo_choice import Choice
from cli.undo_text import LATER_FILES, show_plan
from tests.support.ledger_entries import item

FILE, LOST, FORMER, SHARING, GONE = (item(name, "loaded", 1, points_written=9) for name in "abcde")


def shown(capsys: pytest.CaptureFixture[str], removal: Removal, *, can_delete: bool = True, delete: bool = True) -> str:
    sharing: Any = [SharingFile(SHARING, 3)]
    choice = Choice([FILE], [LOST], [FORMER])
    show_plan(UndoPlan(choice, sharing, [SharingFile(GONE, 1)], removal, can_delete), delete=delete)
    return capsys.readouterr().err


def test_every_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, Removal(0, 0)).splitlines()
    modified = "modified 2024-01-01T00:00:00Z"
    assert lines[0].startswith(f"undo: dataset=generation/a, {modified}, loaded at ")
    assert lines[0].endswith(", 9 points (load 00000000)")
    assert lines[1].startswith("undo, too, since this version no longer exists in S3 and cannot be loaded again: ")
    assert lines[2:] == [
        f"load again in its place: dataset=generation/c, {modified}",
        f"load again, since it has 3 common points: dataset=generation/d, {modified}",
        f"no longer in S3, so its values of 1 common point cannot be written again: dataset=generation/e, {modified}",
        "no points will be removed: no other points are known to be stored than those of other files",
    ]


def test_the_undo_of_a_revision_warns_of_files_that_arrive_later(capsys: pytest.CaptureFixture[str]) -> None:
    show_plan(UndoPlan(Choice([FILE], [], [FORMER], "2024"), [], [], Removal(0, 0), can_delete=True), delete=True)
    assert capsys.readouterr().err.splitlines()[1] == LATER_FILES
    assert LATER_FILES not in shown(capsys, Removal(0, 0))


@pytest.mark.parametrize(
    ("removal", "options", "text"),
    [
        (Removal(4, 0, 0, 2, 1.0), {}, "nothing stands in for 4 points: they will be removed (2 requests, about 1 s)"),
        (
            Removal(4, 0),
            {"can_delete": False},
            "InfluxDB 3 cannot delete points: 4 points that no other file has will stay",
        ),
        (Removal(4, 0), {"delete": False}, "4 points that no other file has will stay (--no-delete)"),
        (
            Removal(4, 0, 9),
            {},
            "9 points that only versions wrote that no longer exist in S3 will stay as stale points",
        ),
        (Removal(0, 5), {}, "5 more points may be stored, which nobody knows: they will stay"),
        (Removal(4, 5, 0, 1), {}, "5 more points may be stored, which nobody knows: they will stay"),
        (Removal(4, 5, 0, 1), {}, "nothing stands in for 4 points: they will be removed"),
    ],
)
def test_what_becomes_of_the_points(
    capsys: pytest.CaptureFixture[str], removal: Removal, options: dict[str, bool], text: str
) -> None:
    output = shown(capsys, removal, **options)
    assert text in output
    assert ("Points that other programs write" in output) == bool(removal.requests)
