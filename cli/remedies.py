"""What to do next, in a line; docs/operations.md has the whole answer for each error."""

from collections import Counter
from collections.abc import Iterable

from rich.text import Text

from cli.screen import console
from shared.errors import DataError, LoaderError, OperatorError, TransientError, subclasses

RUNBOOK = "docs/operations.md"
ERRORS = {error.__name__: error for error in subclasses(LoaderError)}
REMEDIES = {
    DataError: "correct the file and put it again",
    TransientError: "`loader retry` once InfluxDB and S3 answer again",
    OperatorError: "mend the deployment, then `loader retry`",
}


def remedy(error: str) -> str:
    """For a load that ended with `error`; what is not raised on purpose may have been an accident."""
    known = ERRORS.get(error, LoaderError)
    return next(
        (told for kind, told in REMEDIES.items() if issubclass(known, kind)), "`loader retry` tries it once more"
    )


def show_remedies(errors: Iterable[str]) -> None:
    """One line for each kind of error, the most frequent first."""
    for error, count in Counter(errors).most_common():
        times = f" ({count:,} files)" if count > 1 else ""
        console.print(Text.assemble((error, "red"), f"{times}: {remedy(error)} ({RUNBOOK} says more)"))
