"""The options of all commands that concern the terminal: --wide and --no-pager.

`add_display_options` adds them to a command and its subcommands, so that no command handles them itself.
"""

from typing import Annotated, Any

import typer

from cli.output import console


def _set_wide(value: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    console.wide = value


def _set_pager(value: bool) -> None:  # noqa: FBT001
    console.without_pager = value


def add_display_options(command: Any) -> None:
    """Add the options to a command and to its subcommands."""
    for each in (command, *getattr(command, "commands", {}).values()):
        each.params += _options()


def _options() -> list[Any]:
    app = typer.Typer(add_completion=False)
    app.command()(_display)
    parameters: list[Any] = typer.main.get_command(app).params
    return parameters


def _display(
    *,
    wide: Annotated[
        bool,
        typer.Option("--wide", callback=_set_wide, expose_value=False, help="Neither shorten nor omit columns."),
    ] = False,
    no_pager: Annotated[
        bool,
        typer.Option(
            "--no-pager",
            callback=_set_pager,
            expose_value=False,
            help="Do not show output that is longer than the screen in a pager.",
        ),
    ] = False,
) -> None:
    """Stand for a command that has only these options."""
