"""What goes to the terminal: two streams, two columns, and values that people can read."""

import io
import json

import pytest
import typer
from rich.console import Console

from cli.output import (
    INTERRUPTED,
    Terminal,
    console,
    detach_on_interrupt,
    progress,
    quantity,
    show_json,
    size,
    status,
    step,
)
from tests.support.command_line import TERMINAL


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
    with pytest.raises(typer.Exit) as ended, detach_on_interrupt(lambda: "To look again, run [this]"):
        raise KeyboardInterrupt
    assert ended.value.exit_code == INTERRUPTED
    assert capsys.readouterr() == ("", "To look again, run [this]\n")


def test_a_line_in_a_pipe_has_no_limit() -> None:
    assert console.width > 100_000
    with console.capture() as capture:
        console.print("word " * 1_000)
    assert capture.get().count("\n") == 1


def test_a_terminal_s_lines_have_a_limit_unless_they_are_to_be_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (TERMINAL | {"COLUMNS": "90"}).items():
        monkeypatch.setenv(name, value)
    assert Terminal().width == 90
    terminal = Terminal()
    terminal.wide = True
    assert terminal.width > 100_000


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


def test_a_long_description_of_progress_is_complete_on_a_narrow_terminal() -> None:
    bar = progress()
    text = "big.parquet  WriteBatch: 10 of 12 chunks, 1,000,000 of 2,000,000 points, 50,000 points/s, 10 s left"
    bar.add_task(text, total=None)
    narrow = Console(width=80, file=io.StringIO())
    with narrow.capture() as capture:
        narrow.print(bar.get_renderable())
    assert set(text.split()) <= set(capture.get().split())
