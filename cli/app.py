"""The `loader` command: registers the commands and maps errors to exit statuses.

The exit status is 0 for success, 1 if the load or comparison failed, 2 if nothing was attempted, 3 if a file is partly
loaded, and 130 after Ctrl-C.
"""

import os
import sys
from importlib import metadata
from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError
from rich.text import Text
from typer.exceptions import TyperException

from cli.advice import error_text, is_defect, next_step
from cli.lazy_commands import LazyCommands
from cli.output import INTERRUPTED, console, stderr
from shared.errors import LoaderError

FAILED, NOT_ATTEMPTED = 1, 2
BROKEN_PIPE = 141
"""The exit status of a program whose output nobody reads any more, as in shells."""


class Commands(LazyCommands):
    """The group of all commands. It prints an expected error in one line; with `--debug`, as a stack trace."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command and turn its error into an exit status."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            _close_pipe()
            raise typer.Exit(BROKEN_PIPE) from None
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except Exception as error:
            if ctx.params["debug"]:
                raise
            _print_error(error)
            attempted = isinstance(error, LoaderError | ClientError | TimeoutError) or is_defect(error)
            raise typer.Exit(FAILED if attempted else NOT_ATTEMPTED) from error


def _close_pipe() -> None:
    """Let Python flush its output into nothing when it exits: whoever read it, such as `head`, has ended."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_error(error: Exception) -> None:
    stderr.print(Text.assemble(("error: ", "red"), error_text(error)), soft_wrap=True)
    if step := next_step(error):
        stderr.print(step, style="dim", soft_wrap=True)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def print_version(requested: bool) -> None:  # noqa: FBT001 - typer calls it with the option's value
    """Print the version and exit, if the option is there."""
    if requested:
        console.print(f"loader {metadata.version('influxdb-loader')}")
        raise typer.Exit


@app.callback()
def loader(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the stack trace of an error.")] = False,
) -> None:
    """Load Parquet files from Amazon S3 into InfluxDB.

    The commands use the AWS Region and credentials of your environment, and the stack that --stack names.
    """
