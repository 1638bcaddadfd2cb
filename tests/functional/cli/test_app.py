"""The command line as a whole: what it prints and exits with when something is wrong, and its help."""

import os
import subprocess
import sys
from functools import partial
from importlib import metadata
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from cli.app import Commands
from cli.errors import RefusedError
from tests.support.command_line import NOWHERE, run_loader

run_nowhere = partial(run_loader, **NOWHERE)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["plan", "nothing.parquet"], "no such file: nothing.parquet"),
        (["plan", "nothing*.parquet"], "no file matches nothing*.parquet"),
        (["plan", "s3://bucket"], "not the address of an object: use s3://BUCKET/KEY"),
        (["plan", "--detached", __file__], "does not name its dataset: add --dataset"),
        (["plan", "--detached", __file__, "--dataset", "weather"], "unknown dataset 'weather'"),
        (["load", "s3://source/a.parquet"], "check that the local cloud (`make cloud`) is still running"),
        (["backfill"], "specify the files to load"),
        (["backfill", "a/", "--follow", "run"], "specify the files to load"),
        (["backfill", "a/", "--max-concurrency", "0"], "greater than or equal to 1"),
        (["backfill", "a/", "--max-failures", "101"], "less than or equal to 100"),
        (["history", "--status", "lost"], "unknown status 'lost'"),
        (
            ["history", "--since", "tomorrow"],
            "'tomorrow' is not a time: use 90m, 6h, 2d, yesterday or 2024-01-31T12:00",
        ),
        (["verify"], "Missing argument 'LOAD|PREFIX'"),
        (["undoo"], "No such command 'undoo'"),
    ],
)
def test_what_cannot_be_attempted_is_one_line_with_status_2(command: list[str], message: str) -> None:
    result = run_nowhere(*command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_debug_shows_where_an_error_comes_from() -> None:
    assert isinstance(run_nowhere("--debug", "plan", "nothing.parquet").exception, RefusedError)


def test_the_version_is_the_package_s() -> None:
    assert run_nowhere("--version").stdout == f"loader {metadata.version('influxdb-loader')}\n"


def test_an_output_that_nobody_reads_any_more_ends_the_command_quietly() -> None:
    program = str(Path(sys.executable).with_name("loader"))
    command = f"{program} datasets show generation --json | head -c 1; echo status ${{PIPESTATUS[0]}}"
    shown = subprocess.run(
        ["bash", "-c", command], env=os.environ | NOWHERE, capture_output=True, text=True, check=True
    )
    assert (shown.stdout.splitlines()[0][:8], shown.stderr) == ("{status ", "")


def test_an_error_that_nobody_expected_is_one_line_that_asks_to_report_it() -> None:
    app = typer.Typer(cls=Commands)

    @app.callback()
    def options(*, debug: bool = False) -> None: ...

    @app.command()
    def fail() -> None:
        raise KeyError("Items\nand more")

    result = CliRunner().invoke(app, ["fail"])
    assert (result.exit_code, result.stdout) == (1, "")
    first, second = result.stderr.splitlines()
    assert first == r"error: KeyError: 'Items\nand more'"
    assert "report the stack trace" in second
    assert isinstance(CliRunner().invoke(app, ["--debug", "fail"]).exception, KeyError)
