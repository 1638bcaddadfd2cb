"""Tables: aligned columns that fit a terminal, or one line of tab-separated cells for each row in a pipe.

`Listing` is what commands fill and print. In a pipe, `_tab_separated` neither shortens nor omits anything. In a
terminal, `_fit` makes room, in this order, until a row fits into a line: notes move to a line of their own, optional
columns are omitted, and keys are shortened from the left, where they differ least. A status is always complete.

    changed (UTC)     status  load      file                        changed (UTC)     status  load      file
    11:57, 3 min ago  failed  2b286b4d  dataset=g/08.parquet   →    11:57, 3 min ago  failed  2b286b4d  …/08.parquet
"""

import os
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from cli.moments import Moment

Cell = str | Text | Moment

GAP = "  "
NOTE_INDENT = 4
FULL_TIMES_WIDTH = 140
"""From this many characters per line, times have their date and seconds."""

MIN_KEY, PREFERRED_KEY = 12, 40
"""How long keys stay in any case, and how long before optional columns are omitted for them."""

_ESCAPES = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})


def is_piped(console: Console) -> bool:
    """Return whether a program reads the output. FORCE_COLOR makes no terminal of a pipe, but TTY_COMPATIBLE=1 does."""
    return os.environ.get("TTY_COMPATIBLE") != "1" and not console.file.isatty()


class Column(NamedTuple):
    """A column. Only keys are shortened, only notes move to the next line, and only optional columns are omitted."""

    header: str
    kind: Literal["text", "number", "key", "note"] = "text"
    optional: bool = False


class Listing:
    """A table without borders."""

    def __init__(self, *columns: str | Column, title: str = "") -> None:
        """Name the columns. Those given as text are numbers if they start with #."""
        self._columns = [_column(each) if isinstance(each, str) else each for each in columns]
        self._title = title
        self._rows: list[tuple[Cell, ...]] = []

    def add_row(self, *cells: Cell, style: str = "") -> None:
        """Add a row with one cell for each column."""
        if len(cells) != len(self._columns):
            raise ValueError(f"{len(cells)} cells for {len(self._columns)} columns")
        self._rows.append(tuple(Text(cell, style) if isinstance(cell, str) else cell for cell in cells))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines for a terminal of this width, or for a pipe."""
        if self._title:
            yield Text(self._title, "italic")
        if is_piped(console):
            yield from self._tab_separated()
        else:
            yield from self._aligned(console, options.max_width)

    def _tab_separated(self) -> Iterator[Segment]:
        # A Text would expand the tabs.
        yield Segment("\t".join(column.header for column in self._columns) + "\n")
        for row in self._rows:
            cells = (_plain(cell, column) for cell, column in zip(row, self._columns, strict=True))
            yield Segment("\t".join(cells) + "\n")

    def _aligned(self, console: Console, width: int) -> Iterator[Text]:
        rows = [tuple(_text(cell, width) for cell in row) for row in self._rows]
        widths = _fit(self._columns, [_natural_width(n, self._columns, rows) for n in range(len(self._columns))], width)
        shown = [n for n, column_width in enumerate(widths) if column_width]
        yield self._line(shown, widths, [Text(column.header, "dim") for column in self._columns])
        for row in rows:
            yield self._line(shown, widths, row)
            for n, column in enumerate(self._columns):
                if column.kind == "note" and n not in shown and row[n]:
                    yield from _note(console, row[n], width)

    def _line(self, shown: Sequence[int], widths: Sequence[int], cells: Sequence[Text]) -> Text:
        line = Text(GAP).join(_align(cells[n], self._columns[n], widths[n]) for n in shown)
        line.rstrip()
        return line


class Line:
    """Cells on one line: two spaces separate them, or a tab in a pipe."""

    def __init__(self, *cells: str | Text) -> None:
        self._cells = cells

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the line."""
        if is_piped(console):
            yield Segment("\t".join(escape_cell(str(cell)) for cell in self._cells) + "\n")
        else:
            yield Text(GAP).join(Text(cell) if isinstance(cell, str) else cell for cell in self._cells)


def _column(text: str) -> Column:
    return Column(text.removeprefix("#"), "number" if text.startswith("#") else "text")


def _plain(cell: Cell, column: Column) -> str:
    """Return a cell for programs: a time in ISO 8601, a number without commas, text without tabs and newlines."""
    if isinstance(cell, Moment):
        return cell.iso()
    text = str(cell)
    return escape_cell(text.replace(",", "") if column.kind == "number" else text)


def escape_cell(text: str) -> str:
    """Return a text in which tabs and newlines, which separate cells and rows, are escaped."""
    return text.translate(_ESCAPES)


def _text(cell: Cell, width: int) -> Text:
    if isinstance(cell, Moment):
        return Text(cell.full() if width >= FULL_TIMES_WIDTH else cell.short())
    return cell if isinstance(cell, Text) else Text(cell)


def _natural_width(n: int, columns: Sequence[Column], rows: Sequence[Sequence[Text]]) -> int:
    return max([cell_len(columns[n].header), *(row[n].cell_len for row in rows)])


def _fit(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """Return the width of each column in a line of `width`, or 0 for a column that is not in the line.

    >>> columns = (Column("status"), Column("rows", "number", optional=True), Column("file", "key"))
    >>> _fit(columns, [6, 9, 60], 80), _fit(columns, [6, 9, 60], 50), _fit(columns, [6, 9, 60], 10)
    ([6, 9, 60], [6, 0, 42], [6, 0, 12])
    """
    fitted = list(widths)
    if _excess(fitted, width) > 0:
        fitted = [0 if column.kind == "note" else each for column, each in zip(columns, fitted, strict=True)]
    for n, column in enumerate(columns):
        if column.optional and _excess(fitted, width) > _spare(columns, fitted, PREFERRED_KEY):
            fitted[n] = 0
    keys = [n for n, column in enumerate(columns) if column.kind == "key"]
    room = sum(fitted[n] for n in keys) - max(0, _excess(fitted, width))
    for shared_by, n in zip(range(len(keys), 0, -1), sorted(keys, key=lambda n: fitted[n]), strict=True):
        fitted[n] = min(fitted[n], max(MIN_KEY, room // shared_by))
        room -= fitted[n]
    return fitted


def _excess(widths: Sequence[int], width: int) -> int:
    """Return how many characters a line is longer than `width`."""
    shown = [each for each in widths if each]
    return sum(shown) + len(GAP) * (len(shown) - 1) - width


def _spare(columns: Sequence[Column], widths: Sequence[int], kept: int) -> int:
    """Return by how many characters the keys can be shortened if `kept` of each are kept."""
    pairs = zip(columns, widths, strict=True)
    return sum(max(0, width - kept) for column, width in pairs if column.kind == "key")


def _align(cell: Text, column: Column, width: int) -> Text:
    aligned = shorten(cell, width) if column.kind == "key" else cell.copy()
    padding = " " * (width - aligned.cell_len)
    return Text(padding) + aligned if column.kind == "number" else aligned.append(padding)


def shorten(text: Text, width: int) -> Text:
    """Return the end of a text, after an ellipsis if it is longer than `width`.

    >>> shorten(Text("dataset=generation/08.parquet"), 12).plain
    '…/08.parquet'
    """
    if text.cell_len <= width:
        return text.copy()
    start = next(n for n in range(len(text) + 1) if cell_len(text.plain[n:]) < width)
    return Text("…") + text[start:]


def _note(console: Console, note: Text, width: int) -> Iterator[Text]:
    for line in note.wrap(console, max(width - NOTE_INDENT, MIN_KEY)):
        yield Text(" " * NOTE_INDENT) + line
