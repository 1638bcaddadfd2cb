"""The CDK command line, with the emulator as its only AWS account."""

import json
import os
import sys
from collections.abc import Generator, Mapping
from itertools import chain
from pathlib import Path
from tempfile import mkdtemp

from infra_cdk.settings_file import FILE_KEY
from local import ROOT
from local.process import Process

SETTINGS = "loader.toml"
"""The file with the settings of the last deployment."""

_ENVIRONMENT = "aws://000000000000/us-east-1"
_PRIVATE = ("AWS_", "CDK_", "INFLUXDB_")
"""Prefixes of user variables that must not reach the emulator, the template or AWS."""


class Cdk:
    """The `cdk` command with its files in `folder`.

    Args:
        folder: Holds the cloud assemblies, logs and outputs.
        aws: Environment variables with the endpoint, region and credentials of the account.
    """

    def __init__(self, folder: Path, aws: Mapping[str, str]) -> None:
        self._folder = folder
        self._outputs = folder / "outputs.json"
        user_variables = {name: value for name, value in os.environ.items() if not name.startswith(_PRIVATE)}
        self._env = user_variables | {
            **aws,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_HOME": str(folder),
            "CDK_VALIDATION": "false",
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
            "NODE_NO_WARNINGS": "1",
            "NO_COLOR": "1",
            "TMPDIR": str(folder),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }

    def deploy(self, app: Path, settings: Mapping[str, str]) -> Generator[str]:
        """Bootstrap the account and deploy the app, yielding each line that `cdk` prints.

        Args:
            app: The folder with the app's cdk.json.
            settings: The settings of the deployment, instead of those in the user's `loader.toml`.

        Raises:
            ProcessError: A `cdk` command failed.
        """
        assembly = mkdtemp(dir=self._folder)
        file = self._folder / SETTINGS
        file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
        with (
            self._start("synth", "--quiet", "--output", assembly, f"--context={FILE_KEY}={file}", cwd=app) as synth,
            self._start("bootstrap", _ENVIRONMENT, cwd=self._folder) as bootstrap,
        ):
            yield from chain(synth.follow(), bootstrap.follow())
        to_deploy = ("--app", assembly, "--require-approval", "never", "--outputs-file", str(self._outputs))
        yield from self._start("deploy", "--all", *to_deploy, cwd=self._folder).follow()

    def outputs(self, stack: str) -> dict[str, str]:
        """Return the outputs of `stack` from the last deployment."""
        outputs: dict[str, str] = json.loads(self._outputs.read_text())[stack]
        return outputs

    def _start(self, command: str, *arguments: str, cwd: Path) -> Process:
        return Process(
            [str(ROOT / "node_modules/.bin/cdk"), command, "--no-notices", *arguments],
            log=self._folder / f"cdk-{command}.log",
            env=self._env,
            cwd=cwd,
        )
