"""The `loader` command: registers the commands and maps errors to exit statuses.

The exit status is 0 for success, 1 if the load or comparison failed, 2 if nothing was attempted, 3 if a file is partly
loaded, and 130 after Ctrl-C.
"""

from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.text import Text
from typer.core import TyperGroup

from cli.advice import error_text, next_step
from cli.commands.backfill import backfill
from cli.commands.history import history
from cli.commands.load import load
from cli.commands.plan import plan
from cli.commands.quarantine import quarantine
from cli.commands.retry import retry
from cli.commands.show import show
from cli.commands.verify import verify
from cli.errors import RefusedError
from cli.output import INTERRUPTED, stderr
from shared.errors import LoaderError

FAILED, NOT_ATTEMPTED = 1, 2


class Commands(TyperGroup):
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
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def loader(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the stack trace of an error.")] = False,
) -> None:
    """Load Parquet files from Amazon S3 into InfluxDB.

    The commands use the AWS Region and credentials of your environment, and the stack that --stack names.
    """


for command in (plan, load, backfill, history, show, quarantine, retry, verify):
    app.command()(command)
