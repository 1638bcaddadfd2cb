"""Why a load can end. A class's name is its Step Functions error name; its docstring is its line in docs/errors.md."""

from collections.abc import Iterator, Sequence


class LoaderError(Exception):
    """Raised on purpose, with a message that a person can act on."""

    status_code = 500


class DataError(LoaderError):
    """The event or the file has to change; trying again changes nothing."""

    status_code = 400


class OperatorError(LoaderError):
    """The deployment has to change: a permission, a secret, a setting."""


class TransientError(LoaderError):
    """The same input may succeed later, so the state machine retries it."""

    status_code = 503


class UnreadableEventError(DataError):
    """The event names no S3 object."""


class SeveralObjectsError(DataError):
    """The event names more than one object; a load is one file."""


class UnknownDatasetError(DataError):
    """The key names no dataset that is declared."""


class SourceNotFoundError(DataError):
    """The object is not there, or no longer."""


class SourceChangedError(DataError):
    """The object was replaced after its load was planned."""


class CorruptParquetError(DataError):
    """The file is not Parquet, or is damaged."""


class EncryptedParquetError(DataError):
    """The Parquet file is encrypted."""


class FooterTooLargeError(DataError):
    """The Parquet footer is larger than 32 MiB."""


class SchemaMismatchError(DataError):
    """The columns do not carry the dataset; the message lists the findings, the report all of them."""

    def __init__(self, message: str, findings: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.findings = list(findings)


class InvalidRecordsError(DataError):
    """Records are invalid, and `DROP_INVALID_RECORDS` is false."""


class NoValidRecordsError(DataError):
    """Every record of the file was set aside."""


class CollidingRecordsError(DataError):
    """Too many records give one field of one series and time different values."""


class RecordsTooLargeError(DataError):
    """The records do not fit into the function's memory."""


class RefusedPointsError(DataError):
    """InfluxDB refused points that may not be dropped, or too many."""


class SourceForbiddenError(OperatorError):
    """S3 or KMS denies reading the object."""


class InfluxUnauthorizedError(OperatorError):
    """InfluxDB refuses the token, or the token may not write to the bucket."""


class BucketNotFoundError(OperatorError):
    """InfluxDB has no such bucket."""


class UntrustedCertificateError(OperatorError):
    """The certificate of InfluxDB cannot be verified."""


class SettingsError(OperatorError):
    """The environment of a function is incomplete or contradicts itself."""


class ChunkDamagedError(OperatorError):
    """A staged chunk is gone, or not what was staged."""


class AccountingError(OperatorError):
    """The counts of a load do not add up: a defect of the loader, never to be ignored."""


class InfluxUnavailableError(TransientError):
    """InfluxDB throttled us or never answered: the points may already be stored."""


class SourceUnavailableError(TransientError):
    """S3 throttled us, or broke off an answer."""


AWS_TRANSIENT_ERRORS = (
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
)
"""Lambda did not run the function; it may the next time."""

AWS_KILLED_ERRORS = ("Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout", "States.Timeout")
"""The function was killed (out of memory, time-out, exit): worth one more try, not many."""

AWS_CONDITION_FAILED_ERROR = "DynamoDB.ConditionalCheckFailedException"
"""The ledger's item is not as the write expects it: an answer, not a fault."""

AWS_START_ERRORS = ("StepFunctions.ExecutionLimitExceededException", "StepFunctions.AWSStepFunctionsException")
"""Step Functions did not start an execution; throttling comes under the second name, as does much else."""

AWS_ERRORS = (*AWS_TRANSIENT_ERRORS, *AWS_KILLED_ERRORS, *AWS_START_ERRORS, AWS_CONDITION_FAILED_ERROR, "States.ALL")
"""Every name that the state machine matches and AWS coined."""


def subclasses(base: type[LoaderError]) -> Iterator[type[LoaderError]]:
    """`base` and everything under it, in the order of definition."""
    yield base
    for sub in base.__subclasses__():
        yield from subclasses(sub)


def error_names(base: type[LoaderError]) -> list[str]:
    """`base` and all under it: Step Functions matches names, not inheritance."""
    return [error.__name__ for error in subclasses(base)]
