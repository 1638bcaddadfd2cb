"""The terminal: results go to standard output, progress and errors to standard error.

Commands print with `console` and `stderr`. `facts` and `listing` lay out text, `progress`, `step` and
`detach_on_interrupt` accompany work that takes time, and the remaining functions format single values.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import typer
from rich.console import Console, JustifyMethod
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

INTERRUPTED = 130
"""The exit status after Ctrl-C, as in shells."""

PARTLY_LOADED = 3
"""The exit status of a command whose loads all ended well, but of which some stored only a part of their file."""

console = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)


def show_json(content: Any) -> None:
    """Print `content` as JSON."""
    console.file.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def progress() -> Progress:
    """Return a progress bar that disappears when it ends. It is not drawn unless standard error is a terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal)


@contextmanager
def step(message: str) -> Iterator[None]:
    """Print what is being done, and afterwards how long it took."""
    started_at = monotonic()
    with console.status(f"{message} …"):
        yield
    console.print(f"[green]✓[/] {message} [dim]({monotonic() - started_at:.1f} s)[/]")


@contextmanager
def detach_on_interrupt(message: str) -> Iterator[None]:
    """On Ctrl-C, print `message` and exit: watching stops, but the execution continues.

    Args:
        message: How to watch the execution again.
    """
    try:
        yield
    except KeyboardInterrupt:
        stderr.print(message, soft_wrap=True, markup=False)
        raise typer.Exit(INTERRUPTED) from None


def facts(rows: Mapping[str, str | Text]) -> Text:
    """Lay out names and values in two columns, and omit empty values.

    A value stays on one line, however long, so that it can be copied.
    """
    rows = {name: value for name, value in rows.items() if value}
    width = max(map(len, rows), default=0) + 2
    return Text("\n").join(Text.assemble((name.ljust(width), "dim"), value) for name, value in rows.items())


def listing(*headers: str, title: str = "") -> Table:
    """Return an empty table without borders. Columns whose header starts with # are aligned right, for numbers."""
    table = Table(box=None, title=title or None, title_justify="left", header_style="dim", pad_edge=False)
    for header in headers:
        justify: JustifyMethod = "right" if header.startswith("#") else "left"
        table.add_column(header.removeprefix("#"), justify=justify, overflow="fold")
    return table


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


def iso_time(time_ns: int) -> str:
    """Return nanoseconds since 1970 as an ISO 8601 time in UTC, to the second."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_ns // 10**9)).strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(then: datetime, now: datetime) -> str:
    """Return how long ago `then` was, in its largest unit: "3 min ago"."""
    seconds = int((now - then).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{max(0, seconds)} s ago"
