"""The help and the commands of `loader`, which are imported only when they are run."""

import doctest
import re
import subprocess
import sys

import pytest

from cli import lazy_commands
from cli.lazy_commands import COMMANDS, import_command
from tests.support.command_line import run_loader

FOR_POINTS = {"pyarrow", "numpy", "pandas", "influxdb_client"}


def imported_by(*words: str) -> set[str]:
    """Return the top-level packages that `loader` has imported after these words."""
    code = "import sys\nfrom cli.app import app\ntry:\n    app()\nexcept SystemExit:\n    pass\nprint(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in shown.stdout.splitlines()[-1].split()}


def test_the_help_imports_nothing_that_takes_long() -> None:
    assert not imported_by("--help") & {"boto3", *FOR_POINTS}


def test_history_does_not_import_what_only_files_and_points_need() -> None:
    assert not imported_by("history", "--help") & FOR_POINTS


def test_the_help_lists_each_command_with_the_first_sentence_of_its_own_help() -> None:
    shown = " ".join(run_loader("--help").stdout.replace("│", " ").split())
    for name in COMMANDS:
        assert f"{name} {import_command(name).help.partition(chr(10) * 2)[0]}".replace("\n", " ") in shown


def test_examples_give_the_results_that_they_show() -> None:
    assert doctest.testmod(lazy_commands).failed == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_no_line_of_a_help_breaks_where_the_source_file_does(name: str) -> None:
    paragraphs = import_command(name).help.split("\n\n")
    assert not any("\n" in paragraph for paragraph in paragraphs)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_name_in_a_help_is_cut_on_a_screen_of_80_columns(name: str) -> None:
    subcommands = getattr(import_command(name), "commands", {})
    for words in ([name], *([name, each] for each in subcommands)):
        assert not re.findall(r"\S*…", run_loader(*words, "--help", COLUMNS="80").stdout), words


def test_a_mistyped_command_gets_the_close_one() -> None:
    result = run_loader("histry")
    assert result.exit_code == 2
    assert "Did you mean 'history'?" in result.stderr
