"""The error names of AWS that the state machines match, from one table that says where each is documented.

Step Functions reports an error of an optimized integration as `<service>.<name of the exception>`. The tuples after the
table select the names by what the state machines do about them; `throttling_names` selects those of one service.
`THROTTLING_CODES` are the codes that the functions themselves receive from AWS.
"""

from typing import Literal, NamedTuple

Reaction = Literal["wait", "wait a little", "retry", "retry once", "retry start", "read the item"]

Service = Literal["Lambda", "DynamoDB", "StepFunctions"]
"""The first half of an error name."""

HANDLING = "https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html"
INVOKE = "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"
COMMON = "https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html"
NESTED = "https://docs.aws.amazon.com/step-functions/latest/dg/concepts-nested-workflows.html"
STATES = "https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"
UPDATE_ITEM = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html"
OBSERVED = "not documented; seen in error outputs that users publish"


class AwsError(NamedTuple):
    """An error name, the state machines' reaction, and the page that documents the name."""

    name: str
    reaction: Reaction
    source: str


TABLE = (
    AwsError("Lambda.TooManyRequestsException", "wait", INVOKE),
    AwsError("Lambda.EC2ThrottledException", "wait", INVOKE),
    AwsError("Lambda.ServiceException", "retry", INVOKE),
    AwsError("Lambda.AWSLambdaException", "retry", HANDLING),
    AwsError("Lambda.SdkClientException", "retry", HANDLING),
    AwsError("Lambda.ClientExecutionTimeoutException", "retry", HANDLING),
    AwsError("Lambda.ResourceNotReadyException", "retry", INVOKE),
    AwsError("Lambda.ResourceConflictException", "retry", INVOKE),
    AwsError("Lambda.ENINotReadyException", "retry", INVOKE),
    AwsError("Lambda.EC2UnexpectedException", "retry", INVOKE),
    AwsError("Lambda.Unknown", "retry once", HANDLING),
    AwsError("Runtime.ExitError", "retry once", OBSERVED),
    AwsError("Runtime.OutOfMemory", "retry once", OBSERVED),
    AwsError("Sandbox.Timedout", "retry once", OBSERVED),
    AwsError("States.Timeout", "retry once", STATES),
    # AWS documents the first name. The second one is the exception of the AWS SDK for Java, as in other error names.
    AwsError("StepFunctions.ExecutionLimitExceeded", "wait", NESTED),
    AwsError("StepFunctions.ExecutionLimitExceededException", "wait", OBSERVED),
    AwsError("StepFunctions.ThrottlingException", "wait", COMMON),
    AwsError("StepFunctions.AWSStepFunctionsException", "wait a little", OBSERVED),
    AwsError("StepFunctions.SdkClientException", "retry start", OBSERVED),
    AwsError("DynamoDB.ProvisionedThroughputExceededException", "wait", UPDATE_ITEM),
    AwsError("DynamoDB.RequestLimitExceeded", "wait", UPDATE_ITEM),
    AwsError("DynamoDB.RequestLimitExceededException", "wait", OBSERVED),
    AwsError("DynamoDB.ThrottlingException", "wait", UPDATE_ITEM),
    AwsError("DynamoDB.AmazonDynamoDBException", "wait a little", OBSERVED),
    AwsError("DynamoDB.ConditionalCheckFailedException", "read the item", UPDATE_ITEM),
)


def _names(reaction: Reaction) -> tuple[str, ...]:
    return tuple(error.name for error in TABLE if error.reaction == reaction)


AWS_THROTTLING_ERRORS = _names("wait")
"""A service throttles requests: waiting helps."""

AWS_UNCLEAR_ERRORS = _names("wait a little")
"""A service throttles requests, or rejects them for good: the name is the same, and only the cause says which."""

AWS_TRANSIENT_ERRORS = _names("retry")
"""Lambda did not run the function, but may do so when it is invoked again."""

AWS_KILLED_ERRORS = _names("retry once")
"""The function was killed (out of memory, timeout, exit). One retry may help; more than one rarely helps."""

AWS_START_ERRORS = _names("retry start")
"""Step Functions could not be reached to start an execution."""

(AWS_CONDITION_FAILED_ERROR,) = _names("read the item")
"""The ledger's item does not meet the condition of the write. This is an answer, not a failure."""

AWS_ERRORS = (*(error.name for error in TABLE), "States.ALL")
"""Every error name of AWS that the state machines match."""

RETRY_BEHAVIOR = "https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html"

THROTTLING_CODES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "RequestThrottled",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "SlowDown",
    }
)
"""The error codes with which services throttle a client, from `RETRY_BEHAVIOR`: S3 sends SlowDown, for example."""


def throttling_names(service: Service) -> list[str]:
    """Return the names of `AWS_THROTTLING_ERRORS` that an integration with `service` can report."""
    return _of_service(service, AWS_THROTTLING_ERRORS)


def unclear_names(service: Service) -> list[str]:
    """Return the names of `AWS_UNCLEAR_ERRORS` that an integration with `service` can report."""
    return _of_service(service, AWS_UNCLEAR_ERRORS)


def _of_service(service: Service, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if name.startswith(f"{service}.")]
