"""Tables in a terminal of 80 or 140 columns, and in a pipe."""

import doctest
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import RenderableType
from rich.text import Text

from cli import listing
from cli.listing import Column, Line, Listing
from cli.moments import Moment
from cli.output import console
from tests.support.command_line import TERMINAL

NOW = datetime(2024, 1, 31, 12, tzinfo=UTC)
LONG = "dataset=generation/region=southeast/year=2023/month=08/generation_hourly_2023_08.parquet"
REASON = "InfluxUnavailableError, next try at 12:30 UTC, try 3"


def shown(
    content: RenderableType, monkeypatch: pytest.MonkeyPatch | None = None, *, columns: int = 0, wide: bool = False
) -> list[str]:
    """The lines that the console prints: to a pipe, or to a terminal with this many columns."""
    if monkeypatch:
        for name, value in (TERMINAL | {"COLUMNS": str(columns)}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(console, "wide", wide)
    with console.capture() as capture:
        console.print(content)
    return capture.get().splitlines()


def loads(*keys: str, reason: str = "") -> Listing:
    table = Listing(
        "changed (UTC)",
        "status",
        "load",
        Column("points", "number", optional=True),
        Column("file", "key"),
        Column("reason", "note"),
    )
    for key in keys:
        moment = Moment(NOW - timedelta(minutes=3), NOW)
        table.add_row(moment, Text("partly loaded", "bold"), "2b286b4d", "1,500", key, reason)
    return table


def test_examples_give_the_results_that_they_show() -> None:
    assert doctest.testmod(listing).failed == 0


def test_numbers_are_aligned_at_the_right(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Listing("file", "#rows", title="two files")
    table.add_row("a", "1")
    table.add_row("b", "1,000")
    lines = shown(table, monkeypatch, columns=80)
    assert lines == ["two files", "file   rows", "a         1", "b     1,000"]


def test_in_a_pipe_cells_are_separated_by_tabs_and_neither_shortened_nor_omitted() -> None:
    header, line = shown(loads(LONG, reason=REASON))
    assert header.split("\t") == ["changed (UTC)", "status", "load", "points", "file", "reason"]
    assert line.split("\t") == ["2024-01-31T11:57:00Z", "partly loaded", "2b286b4d", "1500", LONG, REASON]


def test_a_color_that_is_forced_makes_no_terminal_of_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert shown(loads(LONG * 5))[1].split("\t")[4] == LONG * 5


def test_a_name_with_a_tab_or_a_newline_stays_one_cell_of_one_line() -> None:
    assert shown(loads("a\tb\nc"))[1].split("\t")[4] == "a\\tb\\nc"


@pytest.mark.parametrize("columns", [80, 100])
def test_keys_are_shortened_from_the_left_and_the_status_never(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    header, line, note = shown(loads(LONG, reason=REASON), monkeypatch, columns=columns)
    assert max(map(len, (header, line, note))) == columns
    assert line.startswith("11:57, 3 min ago  partly loaded  2b286b4d  ")
    assert "  …" in line
    assert line.endswith("2023_08.parquet")
    assert note == f"    {REASON}"
    assert ("points" in header) == (columns == 100)


def test_two_keys_share_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Listing(Column("stands", "key"), Column("other", "key"), Column("short", "key"))
    table.add_row(LONG, f"{LONG}2", "a.parquet")
    stands, other, short = shown(table, monkeypatch, columns=80)[1].split()
    assert (len(stands), len(other), short) == (33, 34, "a.parquet")


def test_a_line_with_room_has_everything_and_times_with_their_date(monkeypatch: pytest.MonkeyPatch) -> None:
    _, line = shown(loads("a.parquet", reason=REASON), monkeypatch, columns=140)
    assert line == f"2024-01-31 11:57:00, 3 min ago  partly loaded  2b286b4d   1,500  a.parquet  {REASON}"


def test_a_wide_table_is_never_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    _, line = shown(loads(LONG, reason=REASON), monkeypatch, columns=80, wide=True)
    assert line.endswith(f"1,500  {LONG}  {REASON}")


def test_a_long_note_is_folded_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, *notes = shown(loads(LONG, reason="words " * 30), monkeypatch, columns=80)
    assert len(notes) == 3
    assert all(line.startswith("    words") and len(line) <= 80 for line in notes)


def test_a_key_of_wide_characters_fits_too(monkeypatch: pytest.MonkeyPatch) -> None:
    _, line = shown(loads("発電" * 40), monkeypatch, columns=80)
    assert Text(line).cell_len in {79, 80}


def test_a_row_has_a_cell_for_each_column() -> None:
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        Listing("a", "b").add_row("1")


def test_the_cells_of_a_line_are_separated_by_spaces_or_a_tab(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line("a b", Text("c", "bold"))
    assert shown(line) == ["a b\tc"]
    assert shown(line, monkeypatch, columns=80) == ["a b  c"]
