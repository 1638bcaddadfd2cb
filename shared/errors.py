"""The errors that can end a load.

A class's name is its Step Functions error name, and its docstring is its line in docs/errors.md.
"""

from collections.abc import Iterator, Sequence

from shared.bounded_text import bound

MAX_MESSAGE_CHARACTERS = 8_000
"""The limit of a message, which may quote names and values of the file. A longer one loses its middle."""


class LoaderError(Exception):
    """The base of all errors that the loader raises on purpose, each with a message that a person can act on."""

    status_code = 500

    def __init__(self, message: object = "") -> None:
        super().__init__(bound(str(message), MAX_MESSAGE_CHARACTERS))


class DataError(LoaderError):
    """The event or the file must change: a retry would fail in the same way."""

    status_code = 400


class OperatorError(LoaderError):
    """The deployment must change: a permission, a secret or a setting."""


class TransientError(LoaderError):
    """The same input may succeed later, so the state machine retries it."""

    status_code = 503


class OlderLoadRunningError(LoaderError):
    """An older file with common points is still being loaded, so its values may overwrite those of this file."""

    status_code = 503


class DeletionRunningError(TransientError):
    """A person has started a deletion of stale points in the time of the file, so the load waits for its end."""


class OutdatedExecutionError(LoaderError):
    """The execution began with an earlier release, whose states cannot load the file correctly."""

    status_code = 503


class LoadEndedError(LoaderError):
    """Other loads count the execution as ended, so what it still writes might replace newer values."""

    status_code = 503


class UnreadableEventError(DataError):
    """The event does not name an S3 object."""


class SeveralObjectsError(DataError):
    """The event names more than one object, but an execution loads exactly one file."""


class UnknownDatasetError(DataError):
    """The key does not name a declared dataset."""


class AmbiguousDatasetError(DataError):
    """The key belongs to several datasets, of which at least one has a key pattern."""


class SourceNotFoundError(DataError):
    """The object does not exist, or no longer exists."""


class SourceChangedError(DataError):
    """The object was overwritten while it was being loaded."""


class SourceArchivedError(DataError):
    """The object is archived, so it must be restored before it can be read."""


class CorruptParquetError(DataError):
    """The file is not a Parquet file, or it is damaged."""


class UnsupportedParquetError(DataError):
    """The file uses a type or another feature of Parquet that the loader cannot read, where the dataset needs it."""


class EncryptedParquetError(DataError):
    """The Parquet file is encrypted."""


class FooterTooLargeError(DataError):
    """The Parquet footer is larger than 32 MiB."""


class SchemaMismatchError(DataError):
    """The columns do not match the dataset; the message lists the first findings, the report all of them."""

    def __init__(self, message: str, findings: Sequence[str] = (), columns: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.findings = list(findings)
        self.columns = list(columns)


class TooManySeriesError(DataError):
    """The file has more series than `MAX_SERIES`, or the dataset's own limit, allows."""


class InvalidRecordsError(DataError):
    """The file has invalid records, and `DROP_INVALID_RECORDS` is false, or more than `MAX_SET_ASIDE_RATE` allows."""


class NoValidRecordsError(DataError):
    """Every record of the file was set aside, so there is nothing to load."""


class CollidingRecordsError(DataError):
    """Too many records collide: they have the same series and time but different values."""


class RecordsTooLargeError(DataError):
    """The records do not fit into the function's memory."""


class RefusedPointsError(DataError):
    """InfluxDB rejected too many points or all of them, or any point while `DROP_INVALID_RECORDS` is false."""


class SourceForbiddenError(OperatorError):
    """S3 or KMS denies access to the object."""


class InfluxUnauthorizedError(OperatorError):
    """InfluxDB rejects the token, or the token has no access to the bucket."""


class BucketNotFoundError(OperatorError):
    """The InfluxDB bucket or organization does not exist."""


class RequestRejectedError(OperatorError):
    """InfluxDB, or a proxy in front of it, rejects requests with a status that the loader does not know."""


class UntrustedCertificateError(OperatorError):
    """InfluxDB's TLS certificate cannot be verified."""


class SettingsError(OperatorError):
    """An environment variable or the secret with the token is missing or invalid."""


class ChunkDamagedError(OperatorError):
    """A staged chunk is missing, or its content has changed."""


class FootprintNotFoundError(OperatorError):
    """The footprint of a load is missing, so its points cannot be compared with those of another load."""


# The first 40 times, the state machine only calls the function again: it has stored its progress.
class UnfinishedError(OperatorError):
    """The comparison with the points of other parts or files takes more than 41 invocations."""


class AccountingError(OperatorError):
    """The counts of a load do not add up: this is a bug in the loader, so report it."""


class OutageError(TransientError):
    """InfluxDB does not accept requests now, nor within `retry_after_s` seconds: CheckHealth and WriteBatch wait."""

    retry_after_s = 0.0


class InfluxUnavailableError(OutageError):
    """InfluxDB throttles requests or does not respond; the points may already be written."""


class InfluxDiskFullError(OutageError):
    """InfluxDB's disk is full, or was full and InfluxDB has not been restarted since."""


class SourceUnavailableError(TransientError):
    """S3 does not respond, or breaks off a response."""


class AwsThrottledError(TransientError):
    """An AWS service, such as S3 or DynamoDB, throttles the loader's requests."""


REPAIRABLE_DATA_ERRORS = (RefusedPointsError, SourceArchivedError, SourceChangedError, SourceNotFoundError)
"""The data errors that heal without a change of the file: the InfluxDB bucket may be corrected, and the object may be
restored from an archive, be there again, or no longer change.
"""


def can_heal(error: str) -> bool:
    """Return whether a load that ended with this error may succeed when it is repeated with the same file.

    A name that is not one of ours, such as Lambda's Sandbox.Timedout, may have been an accident.
    """
    repairable = {each.__name__ for each in REPAIRABLE_DATA_ERRORS}
    return error in repairable or error not in error_names(DataError)


def heals_alone(error: str) -> bool:
    """Return whether a load that ended with this error may succeed later although nobody changes the file.

    An OperatorError is included: once the deployment is repaired, its files load without a command.
    """
    return error == SourceChangedError.__name__ or error not in error_names(DataError)


def needs_person(error: str) -> bool:
    """Return whether only a person can make a load succeed that ended with this error; false without an error."""
    return error != "" and (not heals_alone(error) or error in error_names(OperatorError))


def subclasses(base: type[LoaderError]) -> Iterator[type[LoaderError]]:
    """Yield `base` and all classes derived from it, in the order of their definition."""
    yield base
    for sub in base.__subclasses__():
        yield from subclasses(sub)


def error_names(base: type[LoaderError]) -> list[str]:
    """Return the names of `base` and of all classes derived from it: Step Functions does not know inheritance."""
    return [error.__name__ for error in subclasses(base)]
