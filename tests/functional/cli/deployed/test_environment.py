"""What botocore reports badly in the caller's environment is refused with what to do."""

import pytest

from cli.deployed.environment import check_environment
from cli.errors import RefusedError


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"AWS_ENDPOINT_URL": "nonsense"}, "AWS_ENDPOINT_URL is 'nonsense', which is not a URL"),
        ({"AWS_ENDPOINT_URL_S3": "localhost:4566"}, "AWS_ENDPOINT_URL_S3 is 'localhost:4566', which is not a URL"),
        ({"AWS_DEFAULT_REGION": ""}, "AWS_DEFAULT_REGION is empty"),
    ],
)
def test_a_bad_variable_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        check_environment(environment)


@pytest.mark.parametrize(
    "environment",
    [{}, {"AWS_ENDPOINT_URL": ""}, {"AWS_ENDPOINT_URL": "https://localhost:1", "AWS_DEFAULT_REGION": "sa-east-1"}],
)
def test_other_environments_pass(environment: dict[str, str]) -> None:
    check_environment(environment)
