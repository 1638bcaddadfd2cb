"""`loader` as a person calls it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from cli.app import app as loader
from tests.support.deployed_app import DeployedApp


class Said(NamedTuple):
    """`status` is the exit status; `out` standard output."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What `--json` put out."""
        return json.loads(self.out)


def say(app: DeployedApp, *command: str) -> Said:
    """Run `loader` with these words against the local cloud."""
    result = CliRunner().invoke(loader, [*command], env=app.cloud.environment | {"COLUMNS": "200"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Said(result.exit_code, result.stdout, result.stderr)


def started(app: DeployedApp, *command: str) -> "subprocess.Popen[str]":
    """The installed program, as a process of its own."""
    loader, environment = Path(sys.executable).with_name("loader"), {**os.environ, **app.cloud.environment}
    return subprocess.Popen([loader, *command], env=environment, stderr=subprocess.PIPE, text=True)
