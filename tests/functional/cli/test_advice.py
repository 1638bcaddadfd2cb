"""What an operator is told of an error, and what to do next."""

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from cli.advice import ERRORS, NEXT_STEPS, OWN_REMEDIES, REMEDIES, error_text, next_step, remedy, show_remedies
from cli.errors import NotFoundError
from cli.output import console
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


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("CorruptParquetError", "correct the file and upload it again"),
        ("InfluxUnavailableError", "run `loader retry` when InfluxDB and S3 are available again"),
        ("BucketNotFoundError", "fix the deployment, then run `loader retry`"),
        ("Sandbox.Timedout", "run `loader retry` to try again"),
    ],
)
def test_a_load_that_failed_has_the_remedy_of_its_kind_of_error(error: str, words: str) -> None:
    assert remedy(error) == words


def test_every_error_with_a_kind_has_the_remedy_of_that_kind() -> None:
    for name, error in ERRORS.items():
        kinds = [words for kind, words in REMEDIES.items() if issubclass(error, kind)]
        expected = [OWN_REMEDIES[error]] if error in OWN_REMEDIES else kinds
        assert [remedy(name)] == (expected or ["run `loader retry` to try again"]), name


@pytest.mark.parametrize(
    ("error", "words"), [("InfluxDiskFullError", "restart influxd"), ("SourceArchivedError", "restore the object")]
)
def test_an_error_whose_remedy_differs_from_its_kind_has_its_own(error: str, words: str) -> None:
    assert words in remedy(error)
    assert "loader retry" in remedy(error)


def test_remedies_are_one_line_for_each_error_the_most_frequent_first() -> None:
    with console.capture() as capture:
        show_remedies(["InfluxUnavailableError", "CorruptParquetError", "CorruptParquetError"])
    text = " ".join(capture.get().split())
    assert text.startswith("CorruptParquetError (2 files): correct the file and upload it again (details: docs/oper")
    assert "InfluxUnavailableError: run `loader retry`" in text
