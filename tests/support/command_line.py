"""`loader` in this process, with what it prints."""

from typer.testing import CliRunner, Result

from cli.app import app

NOWHERE = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "COLUMNS": "160",
}
"""The environment of an AWS that nobody answers for."""


TERMINAL = {"TTY_COMPATIBLE": "1", "TERM": "xterm", "COLUMNS": "200"}
"""The environment of a wide terminal. Without it, the runner's output is a pipe."""


def run_loader(*words: str, input: str = "", **environment: str) -> Result:  # noqa: A002 - the runner's name for it
    """Run `loader` with these words and standard input; `environment` replaces and adds variables."""
    return CliRunner().invoke(app, [*words], input=input, env=environment)
