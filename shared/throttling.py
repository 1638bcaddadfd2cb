"""Throttling by AWS as an error of the loader, which the state machines wait out."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from shared.aws_errors import THROTTLING_CODES
from shared.errors import AwsThrottledError


def is_throttling(error: ClientError) -> bool:
    """Return whether a service rejected a request because there were too many of them."""
    return error.response.get("Error", {}).get("Code", "") in THROTTLING_CODES


@contextmanager
def throttling_errors() -> Iterator[None]:
    """Raise AwsThrottledError for a request that AWS still throttles after botocore's retries.

    Botocore names its exceptions after the code, or ClientError: no retrier of the state machines could match them all.
    """
    try:
        yield
    except ClientError as error:
        if not is_throttling(error):
            raise
        raise AwsThrottledError(f"AWS throttles {error.operation_name}: the loader retries: {error}") from error
