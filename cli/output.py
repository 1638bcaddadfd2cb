"""What a person sees: results on standard output, progress and errors on standard error."""

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
"""The exit status of what Ctrl-C ended, in shells."""

console = Console(highlight=False)
stderr = Console(stderr=True, highlight=False)


def show_json(content: Any) -> None:
    """For programs: nothing but JSON on standard output."""
    console.file.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def progress() -> Progress:
    """Vanishes at its end, and is not drawn where nobody looks."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal)


@contextmanager
def step(said: str) -> Iterator[None]:
    """Say what goes on, and then how long it took."""
    started = monotonic()
    with console.status(f"{said} …"):
        yield
    console.print(f"[green]✓[/] {said} [dim]({monotonic() - started:.1f} s)[/]")


@contextmanager
def detach_on_interrupt(said: str) -> Iterator[None]:
    """Ctrl-C ends the looking, and not what is looked at: say where that can be found."""
    try:
        yield
    except KeyboardInterrupt:
        stderr.print(said, soft_wrap=True, markup=False)
        raise typer.Exit(INTERRUPTED) from None


def facts(rows: Mapping[str, str | Text]) -> Text:
    """Names and values, without what is empty; long values stay in one piece, so that they can be copied."""
    there = {name: value for name, value in rows.items() if value}
    width = max(map(len, there), default=0) + 2
    return Text("\n").join(Text.assemble((name.ljust(width), "dim"), value) for name, value in there.items())


def listing(*headers: str, title: str = "") -> Table:
    """A plain table; headers that begin with # hold numbers."""
    table = Table(box=None, title=title or None, title_justify="left", header_style="dim", pad_edge=False)
    for header in headers:
        justify: JustifyMethod = "right" if header.startswith("#") else "left"
        table.add_column(header.removeprefix("#"), justify=justify, overflow="fold")
    return table


def status(word: str) -> Text:
    """Coloured by what it means for the operator."""
    good, bad = {"SUCCEEDED", "loaded", "equal"}, {"FAILED", "TIMED_OUT", "ABORTED", "failed", "differs"}
    return Text(word, style="green" if word in good else "bold red" if word in bad else "yellow")


def size(count: float) -> str:
    """Bytes, in the unit that fits."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:  # noqa: PLR2004
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} GB"


def moment(time_ns: int) -> str:
    """Nanoseconds since 1970 as ISO 8601, UTC, to the second."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_ns // 10**9)).strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(then: datetime, now: datetime) -> str:
    """How long it is since."""
    seconds = int((now - then).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{max(0, seconds)} s ago"
