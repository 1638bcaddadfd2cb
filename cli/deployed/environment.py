"""The environment variables of the caller from which botocore makes its clients."""

from collections.abc import Mapping

from cli.errors import RefusedError

ENDPOINT_VARIABLE, REGION_VARIABLE = "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"


def check_environment(environment: Mapping[str, str]) -> None:
    """Raise RefusedError for an address or a Region of which botocore makes no client, but no error of its own."""
    for name, value in environment.items():
        if name.startswith(ENDPOINT_VARIABLE) and value and not value.startswith(("http://", "https://")):
            raise RefusedError(f"{name} is {value!r}, which is not a URL: use http://HOST:PORT, or unset it to use AWS")
    if environment.get(REGION_VARIABLE) == "":
        raise RefusedError(f"{REGION_VARIABLE} is empty: set it to the Region of the stack, or unset it")
