"""The table of AWS's error names."""

import botocore.session
from botocore.retries.standard import ThrottledRetryableChecker

from shared.aws_errors import (
    AWS_CONDITION_FAILED_ERROR,
    AWS_KILLED_ERRORS,
    AWS_START_ERRORS,
    AWS_THROTTLING_ERRORS,
    AWS_TRANSIENT_ERRORS,
    AWS_UNCLEAR_ERRORS,
    INVOKE,
    TABLE,
    THROTTLING_CODES,
    UPDATE_ITEM,
    throttling_names,
    unclear_names,
)


def exceptions(service: str, operation: str) -> set[str]:
    """Return the names of the exceptions in AWS's own model of an operation."""
    model = botocore.session.get_session().get_service_model(service)
    return {error.name for error in model.operation_model(operation).error_shapes}


def test_names_from_an_api_page_are_in_the_model_of_that_api() -> None:
    for source, service, operation in (
        (INVOKE, "lambda", "Invoke"),
        (UPDATE_ITEM, "dynamodb", "UpdateItem"),
    ):
        names = {error.name.partition(".")[2] for error in TABLE if error.source == source}
        assert names
        assert names <= exceptions(service, operation)


def test_a_function_that_is_not_ready_yet_is_invoked_again() -> None:
    assert set(AWS_TRANSIENT_ERRORS) >= {
        "Lambda.ResourceNotReadyException",
        "Lambda.ENINotReadyException",
        "Lambda.EC2UnexpectedException",
        "Lambda.ResourceConflictException",
    }


def test_a_function_that_ran_out_of_memory_is_invoked_once_more_under_both_names() -> None:
    assert {"Runtime.OutOfMemory", "Lambda.Unknown"} <= set(AWS_KILLED_ERRORS)


def test_a_load_that_was_not_started_is_started_again() -> None:
    assert "StepFunctions.SdkClientException" in AWS_START_ERRORS
    assert "StepFunctions.ExecutionLimitExceeded" in AWS_THROTTLING_ERRORS, "the name that AWS documents"


def test_each_service_has_its_own_names_for_throttling() -> None:
    assert throttling_names("Lambda") == ["Lambda.TooManyRequestsException", "Lambda.EC2ThrottledException"]
    assert "DynamoDB.ProvisionedThroughputExceededException" in throttling_names("DynamoDB")
    assert unclear_names("StepFunctions") == ["StepFunctions.AWSStepFunctionsException"]


def test_the_codes_of_throttling_are_those_that_botocore_retries_as_such() -> None:
    """Without four that mean something else to the services that the loader calls, or come from others."""
    other = {
        "TransactionInProgressException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "EC2ThrottledException",
    }
    codes: list[str] = vars(ThrottledRetryableChecker)["_THROTTLED_ERROR_CODES"]
    assert {*codes} - other == THROTTLING_CODES


def test_no_name_has_two_reactions() -> None:
    names = [error.name for error in TABLE]
    assert len(names) == len(set(names))
    lists = [*AWS_TRANSIENT_ERRORS, *AWS_KILLED_ERRORS, *AWS_START_ERRORS, AWS_CONDITION_FAILED_ERROR]
    lists += [*AWS_THROTTLING_ERRORS, *AWS_UNCLEAR_ERRORS]
    assert sorted(lists) == sorted(names)
