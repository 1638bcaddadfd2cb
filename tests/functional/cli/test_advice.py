"""What an operator is told of an error, and what to do next."""

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from cli.advice import NEXT_STEPS, error_text, next_step
from cli.errors import NotFoundError
from shared.errors import SettingsError


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetObject")


def test_our_refusals_are_plain_and_other_errors_have_a_name() -> None:
    assert error_text(NotFoundError("no such file: a")) == "no such file: a"
    assert error_text(SettingsError("MAX_RETRIES is 'x'")) == "SettingsError: MAX_RETRIES is 'x'"
    assert error_text(PermissionError(13, "Permission denied", "a")) == "Permission denied: a"
    assert error_text(TimeoutError("too late")) == "TimeoutError: too late"


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (NoCredentialsError(), "sign in to AWS"),
        (client_error("ExpiredToken"), "sign in again"),
        (client_error("AccessDenied"), "docs/permissions.md"),
    ],
)
def test_what_to_do_about_an_error_of_aws_is_known_by_its_name_or_code(error: Exception, step: str) -> None:
    assert step in next_step(error)


@pytest.mark.parametrize("error", [client_error("NoSuchBucket"), NotFoundError("AccessDenied"), OSError("disk")])
def test_an_error_that_says_all_we_know_has_no_next_step(error: Exception) -> None:
    assert next_step(error) == ""


def test_each_next_step_tells_what_to_do() -> None:
    assert all(step.split()[0] in {"set", "check", "sign", "ask", "run"} for step in NEXT_STEPS.values())
