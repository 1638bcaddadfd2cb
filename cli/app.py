"""`loader`: what is loaded, what failed, why, and what next. Exit status 0: yes; 1: the load failed; 2: not tried."""

from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.text import Text
from typer.core import TyperGroup

from cli.advice import next_step, told
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

FAILED, REFUSED = 1, 2


class Commands(TyperGroup):
    """Errors that a person can act on are told in a line; `--debug` shows where they come from."""

    def invoke(self, ctx: Any) -> Any:  # noqa: D102
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except (RefusedError, LoaderError, BotoCoreError, ClientError, OSError) as error:
            if ctx.params["debug"]:
                raise
            stderr.print(Text.assemble(("error: ", "red"), told(error)), soft_wrap=True)
            if step := next_step(error):
                stderr.print(step, style="dim", soft_wrap=True)
            failed = isinstance(error, LoaderError | ClientError | TimeoutError)
            raise typer.Exit(FAILED if failed else REFUSED) from error


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
    debug: Annotated[bool, typer.Option("--debug", help="show the stack trace of an error")] = False,
) -> None:
    """Loads Parquet files from S3 into InfluxDB. Finds its deployment by region, credentials and --stack."""


for command in (plan, load, backfill, history, show, quarantine, retry, verify):
    app.command()(command)
