"""Errors as a person is told of them: what is wrong, and a word on what to do next."""

from collections import Counter
from collections.abc import Iterable

from botocore.exceptions import BotoCoreError, ClientError
from rich.text import Text

from cli.errors import RefusedError
from cli.output import console
from shared.errors import DataError, LoaderError, OperatorError, TransientError, subclasses

RUNBOOK = "docs/operations.md"

ERRORS = {error.__name__: error for error in subclasses(LoaderError)}

REMEDIES = {
    DataError: "correct the file and put it again",
    TransientError: "`loader retry` once InfluxDB and S3 answer again",
    OperatorError: "mend the deployment, then `loader retry`",
}

LOCAL = "export what `make cloud` said, or log in to AWS (aws configure, aws sso login)"
NEXT = {
    "NoRegionError": LOCAL,
    "NoCredentialsError": LOCAL,
    "ProfileNotFound": "`aws configure list-profiles` knows which there are; AWS_PROFILE names one",
    "EndpointConnectionError": "is it still running? AWS_ENDPOINT_URL names the local cloud; without it, AWS is asked",
    "ConnectTimeoutError": "can this machine reach AWS?",
    "ExpiredToken": "log in again (aws sso login)",
    "ExpiredTokenException": "log in again (aws sso login)",
    "InvalidClientTokenId": LOCAL,
    "UnrecognizedClientException": LOCAL,
    "AccessDenied": "docs/permissions.md says what these commands need",
    "AccessDeniedException": "docs/permissions.md says what these commands need",
}
"""By the name of botocore's error, or by the code of AWS's."""


def told(error: Exception) -> str:
    """What we refuse speaks for itself; other errors have names that can be looked up."""
    if isinstance(error, RefusedError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}"
    return f"{type(error).__name__}: {error}"


def next_step(error: Exception) -> str:
    """ "" where the error says all that we know."""
    if isinstance(error, ClientError):
        return NEXT.get(error.response["Error"]["Code"], "")
    return NEXT.get(type(error).__name__, "") if isinstance(error, BotoCoreError) else ""


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
