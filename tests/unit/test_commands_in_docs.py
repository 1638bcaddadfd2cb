"""Every `loader` command that a document shows exists, with the options that it shows."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from cli.lazy_commands import COMMANDS, import_command

UsageError = typer.BadParameter.__mro__[1]
"""The error of an unknown option or a missing argument. Typer exports only the one of a wrong value."""

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])
COMMAND = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?(loader [a-z].*)$", re.MULTILINE)


def commands_of(page: str) -> list[str]:
    """Return the commands in the code blocks of a page, without what a shell does with their output."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = (line for block in blocks for line in COMMAND.findall(block.replace("\\\n", " ")))
    return [re.split(r"\s[|>#&]|;", re.sub("<.+?>", "PLACEHOLDER", line))[0] for line in lines]


def check_command(line: str) -> None:
    """Check that the command exists and accepts these arguments; a file that a page names need not exist here."""
    _, name, *arguments = shlex.split(line)
    assert name in COMMANDS, line
    command = import_command(name)
    if isinstance(command, TyperGroup):
        command.make_context(name, arguments, resilient_parsing=True)
        return
    try:
        command.make_context(name, arguments)
    except typer.BadParameter as error:
        if "does not exist" not in error.message:
            raise


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_exists_with_its_options(page: Path) -> None:
    for line in commands_of(page.read_text()):
        check_command(line)


@pytest.mark.parametrize("line", ["loader histroy", "loader history --newest", "loader load"])
def test_a_command_that_does_not_exist_is_a_mistake(line: str) -> None:
    with pytest.raises((AssertionError, UsageError)):
        check_command(line)


def test_commands_are_found_wherever_a_page_has_them() -> None:
    shell = "```sh\n.venv/bin/loader retry --error \\\n  X\n```\n"
    page = f"{shell}```\n$ loader plan a.parquet | head\noutput\n```\nloader no\n"
    assert [" ".join(line.split()) for line in commands_of(page)] == ["loader retry --error X", "loader plan a.parquet"]
