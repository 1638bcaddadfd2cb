"""Throttling by AWS inside a function has one error name, which the state machines wait out."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.aws_errors import THROTTLING_CODES
from shared.errors import AwsThrottledError, InfluxUnavailableError, SettingsError
from shared.logs import log_invocations
from shared.throttling import throttling_errors


def client_error(code: str) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "too many"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return ClientError(response, "Query")


@pytest.mark.parametrize("code", sorted(THROTTLING_CODES))
def test_a_throttled_request_is_named(code: str) -> None:
    with pytest.raises(AwsThrottledError, match=rf"AWS throttles Query: .*{code}"), throttling_errors():
        raise client_error(code)


@pytest.mark.parametrize("error", [client_error("AccessDeniedException"), SettingsError("no"), ValueError("no")])
def test_other_errors_are_raised_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as raised, throttling_errors():
        raise error
    assert raised.value is error


def test_every_handler_names_throttling(context: SimpleNamespace) -> None:
    @log_invocations
    def handler(event: dict[str, Any], context: object) -> None:
        raise client_error("ProvisionedThroughputExceededException")

    with pytest.raises(AwsThrottledError):
        handler({}, context)  # type: ignore[arg-type]


def test_throttling_is_not_taken_for_an_outage_of_influxdb() -> None:
    assert not issubclass(AwsThrottledError, InfluxUnavailableError)
