"""Names and values in two columns, or separated by a tab in a pipe."""

from collections.abc import Mapping

from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from cli.listing import escape_cell, is_piped


class Facts:
    """Values with their names. Empty values are omitted.

    A value stays on one line, however long, so that it can be copied.
    """

    def __init__(self, values: Mapping[str, str | Text]) -> None:
        self._values = {name: value for name, value in values.items() if value}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield one line for each value."""
        if is_piped(console):
            for name, value in self._values.items():
                yield Segment(f"{name}\t{escape_cell(str(value))}\n")
            return
        width = max(map(len, self._values), default=0) + 2
        for name, value in self._values.items():
            yield Text.assemble((name.ljust(width), "dim"), value, no_wrap=True, overflow="ignore")
