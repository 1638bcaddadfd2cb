"""The section of the runbook about an error, for the report of a failed load and for the commands.

`entry` and `section` read docs/operations.md, which is part of the deployed function and of the wheel, and cut it at
its headings (`_cut`). They take the section of the error, and put the facts of this load into its command (`_fill`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup, escape

FILE = Path(__file__).parents[2] / "docs" / "operations.md"

UNEXPECTED = "Any other error"
"""The heading of the section about all errors that have no section of their own."""

HARMLESS = re.compile(r"[\w =./+@:-]+")
"""Values that are safe inside the quotes of a shell command. A key may contain any character."""


class Section(NamedTuple):
    """The section about an error as text, each part but the command on one line."""

    meaning: str
    who_acts: str
    command: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The section about an error for a page. `preparation` defines the variables and functions that `command` uses."""

    meaning: list[Markup]
    who_acts: list[Markup]
    command: str
    preparation: str


def entry(error: str, facts: Mapping[str, str]) -> Entry:
    """Return the section about an error for a page.

    Args:
        error: The name of the error.
        facts: The values for the placeholders in the command, by name: `key` replaces `<key>`.
    """
    page = FILE.read_text()
    parts = _parts(page, error)
    return Entry(
        meaning=_paragraphs(parts["What it means"]),
        who_acts=_paragraphs(parts["Who acts"]),
        command=_fill(_shell(parts["Command"]), facts),
        preparation=_shell(_cut(page, "##")["Preparing the shell"]),
    )


def section(error: str, facts: Mapping[str, str]) -> Section:
    """Return the section about an error as text, for a terminal. The arguments are those of `entry`."""
    parts = _parts(FILE.read_text(), error)
    meaning, who_acts = (" ".join(parts[name].split()) for name in ("What it means", "Who acts"))
    return Section(meaning, who_acts, _fill(_shell(parts["Command"]), facts))


def _parts(page: str, error: str) -> dict[str, str]:
    sections = _cut(page, "###")
    heading = next((heading for heading in sections if f"`{error}`" in heading), UNEXPECTED)
    return _cut(sections[heading], "####")


def _cut(page: str, level: str) -> dict[str, str]:
    """Return the text below each heading of a level, up to the next heading of the same or a higher level."""
    pieces = re.split(rf"^(#{{1,{len(level)}}}) (.+)$", page, flags=re.MULTILINE)[1:]
    sections = zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True)
    return {heading: text for marks, heading, text in sections if marks == level}


def _shell(text: str) -> str:
    """Return the first block of shell commands."""
    return text.partition("```sh\n")[2].partition("\n```")[0]


def _paragraphs(text: str) -> list[Markup]:
    """Return the paragraphs as HTML. Code and bold text are the only markup that the sections use."""
    coded = [re.sub(r"`(.+?)`", r"<code>\1</code>", str(escape(part))) for part in text.strip().split("\n\n")]
    return [Markup(re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", part)) for part in coded]  # noqa: S704 - escaped above


def _fill(command: str, facts: Mapping[str, str]) -> str:
    """Replace the placeholders in a command by the facts, unless a value is unsafe in a shell."""
    for name, value in facts.items():
        if HARMLESS.fullmatch(value):
            command = command.replace(f"<{name}>", value)
    return command
