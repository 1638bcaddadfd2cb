"""The `loader` command: registers the commands and maps errors to exit statuses.

The exit status is 0 for success, 1 if the load or comparison failed, 2 if nothing was attempted, 3 if a file is partly
loaded, and 130 after Ctrl-C.
"""

from importlib import metadata
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.text import Text

from cli.advice import error_text, next_step
from cli.errors import RefusedError
from cli.lazy_commands import LazyCommands
from cli.output import INTERRUPTED, console, stderr
from shared.errors import LoaderError

FAILED, NOT_ATTEMPTED = 1, 2


class Commands(LazyCommands):
    """The group of all commands. It prints an expected error in one line; with `--debug`, as a stack trace."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command and turn its error into an exit status."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except (RefusedError, LoaderError, BotoCoreError, ClientError, OSError) as error:
            if ctx.params["debug"]:
                raise
            _print_error(error)
            failed = isinstance(error, LoaderError | ClientError | TimeoutError)
            raise typer.Exit(FAILED if failed else NOT_ATTEMPTED) from error


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
