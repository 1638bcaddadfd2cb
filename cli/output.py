"""The terminal: results go to standard output, progress and errors to standard error.

Commands print with `console` and `stderr`. `facts` and `listing` lay out text, `progress`, `step` and
`detach_on_interrupt` accompany work that takes time, and the remaining functions format single values.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console, ConsoleDimensions
from rich.text import Text

from cli.facts import Facts
from cli.listing import Column, Line, Listing, is_piped

if TYPE_CHECKING:
    from rich.progress import Progress

INTERRUPTED = 130
"""The exit status after Ctrl-C, as in shells."""

PARTLY_LOADED = 3
"""The exit status of a command whose loads all ended well, but of which some stored only a part of their file."""

UNLIMITED = 1_000_000
"""The length of lines that nothing is shortened to."""


class Terminal(Console):
    """A console that neither folds nor shortens lines in a pipe, or with `wide`."""

    wide = False
    without_pager = False

    @property  # type: ignore[misc] # Console's has a setter, which nothing uses
    def size(self) -> ConsoleDimensions:
        """The characters in a line and the lines on the screen."""
        size = super().size
        return ConsoleDimensions(UNLIMITED, size.height) if self.wide or is_piped(self) else size


console = Terminal(highlight=False)
stderr = Console(stderr=True, highlight=False)


def show_json(content: Any) -> None:
    """Print `content` as JSON."""
    console.file.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def progress() -> "Progress":
    """Return a progress bar that disappears when it ends. It is not drawn unless standard error is a terminal."""
    # This import takes 50 ms, which the help and the listings need not spend.
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.table import Column as TableColumn  # noqa: PLC0415

    # On a narrow terminal, a long description takes a second line instead of losing its end.
    description = TextColumn("{task.description}", table_column=TableColumn(no_wrap=False, overflow="fold"))
    columns = (SpinnerColumn(), description, BarColumn(bar_width=20), TimeElapsedColumn())
    return Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal)


@contextmanager
def step(message: str) -> Iterator[None]:
    """Print what is being done, and afterwards how long it took."""
    started_at = monotonic()
    with console.status(f"{message} …"):
        yield
    console.print(f"[green]✓[/] {message} [dim]({monotonic() - started_at:.1f} s)[/]")


@contextmanager
def detach_on_interrupt(message: Callable[[], str]) -> Iterator[None]:
    """On Ctrl-C, print `message()` and exit: watching stops, but the executions continue.

    Args:
        message: Returns how to watch the executions again.
    """
    try:
        yield
    except KeyboardInterrupt:
        stderr.print(message(), soft_wrap=True, markup=False)
        raise typer.Exit(INTERRUPTED) from None


def confirm(question: str) -> bool:
    """Return whether the operator agrees; False after Ctrl-C, or if nobody can answer, as in a script."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        stderr.print()  # the question has no answer that ended its line
        return False


def advise(text: str) -> None:
    """Print what to do next: after the output, also in a pager, but never into a pipe."""
    (stderr if is_piped(console) else console).print(text, style="dim", soft_wrap=True, markup=False)


def line_of(*cells: str | Text) -> Line:
    """Return one line of a list that grows while it is printed."""
    return Line(*cells)


def facts(values: Mapping[str, str | Text]) -> Facts:
    """Lay out names and values in two columns, and omit empty values."""
    return Facts(values)


def listing(*columns: str | Column, title: str = "") -> Listing:
    """Return an empty table. Columns whose header starts with # are numbers."""
    return Listing(*columns, title=title)


def status(word: str) -> Text:
    """Color a status: green for success, orange for partial success, red for failure, yellow for anything else."""
    if word == "partly loaded":
        return Text(word, style="bold dark_orange")
    good, bad = {"SUCCEEDED", "loaded", "equal"}, {"FAILED", "TIMED_OUT", "ABORTED", "failed", "differs"}
    return Text(word, style="green" if word in good else "bold red" if word in bad else "yellow")


def quantity(count: int, noun: str, plural: str = "") -> str:
    """Return the count with its noun: "1 chunk", "2 chunks", "2 batches"."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def size(count: float) -> str:
    """Return a number of bytes with three digits and the largest decimal unit that fits: "17.6 MB"."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:  # noqa: PLR2004 - from here on, three digits would round to 1e+03
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"
