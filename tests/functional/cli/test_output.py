"""What goes to the terminal: two streams, two columns, and values that people can read."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
import typer
from rich.console import Console
from rich.text import Text

from cli.output import (
    INTERRUPTED,
    ago,
    console,
    detach_on_interrupt,
    facts,
    iso_time,
    listing,
    progress,
    quantity,
    show_json,
    size,
    status,
    step,
)

NOW = datetime(2024, 1, 31, 12, tzinfo=UTC)


def printed(content: object, width: int = 40) -> str:
    recorder = Console(file=io.StringIO(), record=True, width=width)
    recorder.print(content, soft_wrap=isinstance(content, Text))
    return recorder.export_text()


def test_json_is_json_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    show_json({"key": "ção", "rows": [1]})
    output = capsys.readouterr()
    assert (json.loads(output.out), output.err) == ({"key": "ção", "rows": [1]}, "")
    assert "ção" in output.out


def test_progress_is_not_drawn_unless_somebody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as bar:
        bar.update(bar.add_task("converting", total=1), completed=1)
    assert capsys.readouterr().err == ""


def test_a_step_is_printed_with_its_duration() -> None:
    with console.capture() as capture, step("deploying"):
        pass
    assert "✓ deploying (0.0 s)" in capture.get()


def test_ctrl_c_says_how_to_look_again(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, detach_on_interrupt("To look again, run [this]"):
        raise KeyboardInterrupt
    assert ended.value.exit_code == INTERRUPTED
    assert capsys.readouterr() == ("", "To look again, run [this]\n")


def test_facts_are_aligned_and_empty_ones_are_omitted() -> None:
    text = printed(facts({"key": "a" * 60, "page": "", "dataset": Text("generation")}))
    assert text == f"key      {'a' * 60}\ndataset  generation\n"


def test_numbers_in_a_listing_are_aligned_at_the_right() -> None:
    table = listing("file", "#rows")
    table.add_row("a", "1")
    table.add_row("b", "1,000")
    assert [line.rstrip() for line in printed(table).splitlines()] == ["file   rows", "a         1", "b     1,000"]


@pytest.mark.parametrize(
    ("word", "style"), [("loaded", "green"), ("failed", "bold red"), ("claimed", "yellow"), ("TIMED_OUT", "bold red")]
)
def test_a_status_has_the_color_of_its_meaning(word: str, style: str) -> None:
    assert (status(word).plain, status(word).style) == (word, style)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 batches"), (1, "1 batch"), (2, "2 batches"), (1234567, "1,234,567 batches")]
)
def test_a_quantity_agrees_with_its_noun(count: int, text: str) -> None:
    assert quantity(count, "batch", "batches") == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (999_999, "1 MB"), (17_600_000, "17.6 MB"), (2.5e12, "2.5 TB")],
)
def test_a_size_has_the_unit_that_fits(count: float, text: str) -> None:
    assert size(count) == text


def test_nanoseconds_are_a_time_also_before_1970_and_after_2262() -> None:
    assert iso_time(1_704_067_200_999_999_999) == "2024-01-01T00:00:00Z"
    assert iso_time(-1_000_000_000) == "1969-12-31T23:59:59Z"
    assert iso_time(10_000_000_000 * 10**9) == "2286-11-20T17:46:40Z"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s ago"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (7200, "2 h ago"),
        (200_000, "2 d ago"),
    ],
)
def test_an_age_has_its_largest_unit(seconds: int, text: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == text
