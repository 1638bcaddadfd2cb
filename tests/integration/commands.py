"""`loader` as a person calls it."""

import json
from typing import Any, NamedTuple

from typer.testing import CliRunner

from cli.main import app as loader
from tests.integration.deployed_app import DeployedApp


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
