"""The options that every command has for the terminal."""

from cli.lazy_commands import COMMANDS, import_command
from cli.output import console
from tests.support.command_line import TERMINAL, run_loader

NARROW = TERMINAL | {"COLUMNS": "60"}


def test_every_command_and_subcommand_has_them() -> None:
    for name in COMMANDS:
        command = import_command(name)
        for each in (command, *getattr(command, "commands", {}).values()):
            options = {option for parameter in each.params for option in parameter.opts}
            assert {"--wide", "--no-pager"} <= options, each.name


def test_a_wide_list_omits_and_folds_nothing_and_the_next_one_is_as_narrow_as_before() -> None:
    lines = run_loader("datasets", "--wide", **NARROW).stdout.splitlines()
    assert max(map(len, lines)) > 100
    assert len(lines) == 5
    lines = run_loader("datasets", **NARROW).stdout.splitlines()
    assert max(map(len, lines[:-1])) <= 60
    assert console.wide is False
