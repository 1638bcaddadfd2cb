"""The group of the commands, each of which is imported when it is run.

A command's imports (boto3, pyarrow) take up to a second. The help of `loader` needs none of them: it lists the first
lines of the docstrings, which `_summary` reads from the source files.
"""

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from cli.display import add_display_options
from cli.pager import show_in_pager

COMMANDS = (
    "plan",
    "load",
    "backfill",
    "watch",
    "status",
    "history",
    "index",
    "coverage",
    "footprints",
    "overlaps",
    "stale",
    "rebuild",
    "restore",
    "undo",
    "forget",
    "show",
    "quarantine",
    "query",
    "retry",
    "verify",
    "datasets",
    "suggest",
    "doctor",
)
"""The names of all commands, in the order of the help. Each is a function in the module of its name.

A command with commands of its own is the callback of an `app` in that module.
"""

LISTS = frozenset(("history", "coverage", "overlaps", "show", "quarantine", "query", "datasets"))
"""The commands whose output may be long, and is shown in a pager."""


class ListedCommand(TyperCommand):
    """A command that has only a name, and a summary once somebody asks for it."""


class LazyCommands(TyperGroup):
    """A group that lists its commands without importing them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands.update({name: ListedCommand(name) for name in COMMANDS})

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; one that is not imported gets the summary that the help shows."""
        command = super().get_command(ctx, cmd_name)
        if isinstance(command, ListedCommand):
            command.help = _summary(cmd_name)
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the name, the command, which is imported now, and its arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, import_command(str(name)) if isinstance(command, ListedCommand) else command, rest


def import_command(name: str) -> Any:
    """Return the command with its arguments and options."""
    module = import_module(f"cli.commands.{name}")
    app = getattr(module, "app", None) or typer.Typer(add_completion=False)
    if not app.registered_callback:
        app.command(name)(getattr(module, name))
    app.info.context_settings = {"help_option_names": ["-h", "--help"]}
    command: Any = typer.main.get_command(app)
    add_display_options(command)
    for each in (command, *getattr(command, "commands", {}).values()):
        each.help = _unfold(each.help or "")
    if name in LISTS:
        for each in (command, *getattr(command, "commands", {}).values()):
            each.callback = show_in_pager(each.callback)
    return command


def _unfold(text: str) -> str:
    r"""Return a help text with one line for each paragraph: the terminal breaks it, not the source file.

    >>> _unfold("Load files.\n\nAsks before\nit replaces.")
    'Load files.\n\nAsks before it replaces.'
    """
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _summary(name: str) -> str:
    """Return the first paragraph of the docstring of a command."""
    source = Path(__file__).with_name("commands") / f"{name}.py"
    functions = (node for node in ast.parse(source.read_text()).body if isinstance(node, ast.FunctionDef))
    docstring = next(ast.get_docstring(function) for function in functions if function.name == name)
    return (docstring or "").partition("\n\n")[0]
