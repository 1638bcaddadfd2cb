"""The error names of AWS that the state machines match, from one table that says where each is documented.

Step Functions reports an error of an optimized integration as `<service>.<name of the exception>`. The tuples after the
table select the names by what the state machines do about them.
"""

from typing import Literal, NamedTuple

Reaction = Literal["retry", "retry once", "retry start", "read the item"]

HANDLING = "https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html"
INVOKE = "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"
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
    AwsError("Lambda.TooManyRequestsException", "retry", INVOKE),
    AwsError("Lambda.ServiceException", "retry", INVOKE),
    AwsError("Lambda.AWSLambdaException", "retry", HANDLING),
    AwsError("Lambda.SdkClientException", "retry", HANDLING),
    AwsError("Lambda.ClientExecutionTimeoutException", "retry", HANDLING),
    AwsError("Lambda.ResourceNotReadyException", "retry", INVOKE),
    AwsError("Lambda.ResourceConflictException", "retry", INVOKE),
    AwsError("Lambda.ENINotReadyException", "retry", INVOKE),
    AwsError("Lambda.EC2ThrottledException", "retry", INVOKE),
    AwsError("Lambda.EC2UnexpectedException", "retry", INVOKE),
    AwsError("Lambda.Unknown", "retry once", HANDLING),
    AwsError("Runtime.ExitError", "retry once", OBSERVED),
    AwsError("Runtime.OutOfMemory", "retry once", OBSERVED),
    AwsError("Sandbox.Timedout", "retry once", OBSERVED),
    AwsError("States.Timeout", "retry once", STATES),
    # AWS documents the first name. The second one is the exception of the AWS SDK for Java, as in other error names.
    AwsError("StepFunctions.ExecutionLimitExceeded", "retry start", NESTED),
    AwsError("StepFunctions.ExecutionLimitExceededException", "retry start", OBSERVED),
    AwsError("StepFunctions.AWSStepFunctionsException", "retry start", OBSERVED),
    AwsError("StepFunctions.SdkClientException", "retry start", OBSERVED),
    AwsError("DynamoDB.ConditionalCheckFailedException", "read the item", UPDATE_ITEM),
)


def _names(reaction: Reaction) -> tuple[str, ...]:
    return tuple(error.name for error in TABLE if error.reaction == reaction)


AWS_TRANSIENT_ERRORS = _names("retry")
"""Lambda did not run the function, but may do so when it is invoked again."""

AWS_KILLED_ERRORS = _names("retry once")
"""The function was killed (out of memory, timeout, exit). One retry may help; more than one rarely do."""

AWS_START_ERRORS = _names("retry start")
"""Step Functions did not start an execution. `AWSStepFunctionsException` covers throttling and most other failures."""

(AWS_CONDITION_FAILED_ERROR,) = _names("read the item")
"""The ledger's item does not meet the condition of the write. This is an answer, not a failure."""

AWS_ERRORS = (*(error.name for error in TABLE), "States.ALL")
"""Every error name of AWS that the state machines match."""
