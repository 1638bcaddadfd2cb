"""The command line `loader`, run against the local cloud as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from cli.app import app as loader
from tests.support.deployed_app import DeployedApp


class CommandResult(NamedTuple):
    """The exit status of a command, and what it printed to standard output and standard error."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The standard output of a command with `--json`, parsed."""
        return json.loads(self.out)


def run_loader(app: DeployedApp, *command: str) -> CommandResult:
    """Run `loader` with these arguments in this process."""
    result = CliRunner().invoke(loader, [*command], env=app.cloud.environment | {"COLUMNS": "200"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return CommandResult(result.exit_code, result.stdout, result.stderr)


def start_loader(app: DeployedApp, *command: str) -> "subprocess.Popen[str]":
    """Start the installed `loader` in a process of its own, which a test can signal."""
    program, environment = Path(sys.executable).with_name("loader"), {**os.environ, **app.cloud.environment}
    return subprocess.Popen([program, *command], env=environment, stderr=subprocess.PIPE, text=True)
