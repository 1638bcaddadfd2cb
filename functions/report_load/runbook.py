"""What the runbook says about an error. The page that operators read lies beside the code, here and on Lambda."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

FILE = Path(__file__).parents[2] / "docs" / "operations.md"

UNEXPECTED = "Any other error"
"""The heading of what no other entry names."""

HARMLESS = re.compile(r"[\w =./+@:-]+")
"""What may stand between the quotes of a shell's command: a key can hold anything."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The first two as paragraphs; `preparation` defines what `command` uses."""

    meaning: list[Markup]
    who_acts: list[Markup]
    command: str
    preparation: str


def entry(error: str, known: Mapping[str, str]) -> Entry:
    """Of the error's name. In its command `known` takes the place of what stands in angle brackets there."""
    page = FILE.read_text()
    sections = _cut(page, "###")
    heading = next((heading for heading in sections if f"`{error}`" in heading), UNEXPECTED)
    parts = _cut(sections[heading], "####")
    return Entry(
        meaning=_paragraphs(parts["What it means"]),
        who_acts=_paragraphs(parts["Who acts"]),
        command=_filled(_shell(parts["Command"]), known),
        preparation=_shell(_cut(page, "##")["Preparing the shell"]),
    )


def _cut(page: str, level: str) -> dict[str, str]:
    """Heading of that level → what follows it, up to the next heading of that or a higher one."""
    pieces = re.split(rf"^(#{{1,{len(level)}}}) (.+)$", page, flags=re.MULTILINE)[1:]
    found = zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True)
    return {heading: text for marks, heading, text in found if marks == level}


def _shell(text: str) -> str:
    """The first block of commands."""
    return text.partition("```sh\n")[2].partition("\n```")[0]


def _paragraphs(text: str) -> list[Markup]:
    """With code and bold: entries have no other markup."""
    coded = [re.sub(r"`(.+?)`", r"<code>\1</code>", str(escape(part))) for part in text.strip().split("\n\n")]
    return [Markup(re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", part)) for part in coded]  # noqa: S704 - escaped above


def _filled(command: str, known: Mapping[str, str]) -> str:
    """With what is harmless."""
    for name, value in known.items():
        if HARMLESS.fullmatch(value):
            command = command.replace(f"<{name}>", value)
    return command
