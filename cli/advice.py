"""Errors as an operator reads them: one line that says what is wrong, and one that says what to do next.

`error_text` and `next_step` describe an error of the command itself. `remedy` and `show_remedies` describe errors that
ended a load, of which only the names are available.
"""

from collections import Counter
from collections.abc import Iterable

from botocore.exceptions import BotoCoreError, ClientError
from rich.text import Text

from cli.errors import RefusedError
from cli.output import console, quantity
from shared.errors import (
    AmbiguousDatasetError,
    DataError,
    InfluxDiskFullError,
    LoaderError,
    OperatorError,
    RefusedPointsError,
    SourceArchivedError,
    TransientError,
    UnknownDatasetError,
    subclasses,
)

RUNBOOK = "docs/operations.md"

ERRORS = {error.__name__: error for error in subclasses(LoaderError)}

OWN_REMEDIES = {
    AmbiguousDatasetError: "change the `key_pattern` of one of the datasets, deploy, then run `loader retry`",
    SourceArchivedError: "restore the object (`aws s3api restore-object`), then run `loader retry`",
    RefusedPointsError: "correct the bucket (field types, retention period), not the file, then run `loader retry`",
    InfluxDiskFullError: "make room on InfluxDB's disk and restart influxd, then run `loader retry`",
}
"""The remedies of errors for which the one of their kind does not suffice."""

REMEDIES = {
    DataError: "correct the file and upload it again",
    TransientError: "run `loader retry` when InfluxDB and S3 are available again",
    OperatorError: "fix the deployment, then run `loader retry`",
}

SIGN_IN = "set the variables that `make cloud` printed, or sign in to AWS (`aws configure` or `aws sso login`)"
SIGN_IN_AGAIN = "sign in again (`aws sso login`)"
PERMISSIONS = "ask for the permissions of these commands, which docs/permissions.md lists"
NEXT_STEPS = {
    "NoRegionError": SIGN_IN,
    "NoCredentialsError": SIGN_IN,
    "ProfileNotFound": "set AWS_PROFILE to one of the profiles that `aws configure list-profiles` prints",
    "EndpointConnectionError": "check that the local cloud (`make cloud`) is still running, or unset AWS_ENDPOINT_URL "
    "to use AWS",
    "ConnectTimeoutError": "check that this machine can reach AWS",
    "ExpiredToken": SIGN_IN_AGAIN,
    "ExpiredTokenException": SIGN_IN_AGAIN,
    "InvalidClientTokenId": SIGN_IN,
    "UnrecognizedClientException": SIGN_IN,
    "AccessDenied": PERMISSIONS,
    "AccessDeniedException": PERMISSIONS,
}
"""The next step by the class name of botocore's error, or by the error code of AWS."""


def error_text(error: Exception) -> str:
    """Return one line about the error. Errors other than RefusedError start with a name that can be looked up."""
    if isinstance(error, RefusedError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}"
    return f"{type(error).__name__}: {error}"


def next_step(error: Exception) -> str:
    """Return what to do about an error of AWS, its client, or the loader; "" if the error says all that we know."""
    if isinstance(error, UnknownDatasetError):
        return "for files of a new dataset, `loader suggest FILE` proposes the declaration"
    if isinstance(error, ClientError):
        return NEXT_STEPS.get(error.response["Error"]["Code"], "")
    return NEXT_STEPS.get(type(error).__name__, "") if isinstance(error, BotoCoreError) else ""


def remedy(error: str) -> str:
    """Return what to do about a load that ended with `error`, the name of an error class.

    A name that is not one of ours, such as Lambda's Sandbox.Timedout, may have been an accident.
    """
    kind = ERRORS.get(error, LoaderError)
    remedies = (remedy for base, remedy in {**OWN_REMEDIES, **REMEDIES}.items() if issubclass(kind, base))
    return next(remedies, "run `loader retry` to try again")


def show_remedies(errors: Iterable[str]) -> None:
    """Print one line for each name of an error, the most frequent first."""
    for error, count in Counter(errors).most_common():
        files = f" ({quantity(count, 'file')})" if count > 1 else ""
        console.print(Text.assemble((error, "red"), f"{files}: {remedy(error)} (details: {RUNBOOK})"))
