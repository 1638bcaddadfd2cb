"""No command prints a stack trace, whatever AWS answers: each error is one line, and one with what to do next."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import botocore.session
import pytest
from botocore.config import Config
from typer.testing import Result

from cli.lazy_commands import COMMANDS
from tests.functional.cli.conftest import OUTPUTS
from tests.support.builders import generation, parquet
from tests.support.command_line import NOWHERE, run_loader
from tests.support.failing_aws import FailingAws, Failure, failing_aws, silent_server
from tests.support.scripted_aws import ScriptedAws, scripted_aws

KEY = "dataset=generation/a.parquet"
NEED_NO_AWS = {"datasets", "suggest"}
ARGUMENTS = {
    "plan": [f"s3://source/{KEY}"],
    "load": ["FILE", "--replace"],
    "backfill": ["dataset=generation/"],
    "watch": ["01234567"],
    "rebuild": ["--dataset", "generation", "--from", "2024-01-01", "--to", "2024-02-01"],
    "restore": ["0123456789abcdef"],
    "undo": [KEY, "--yes"],
    "forget": [KEY, "--yes"],
    "show": ["01234567"],
    "quarantine": ["01234567"],
    "query": ["01234567"],
    "verify": ["01234567"],
}
"""The arguments of the commands that need some."""

FAMILIES = {
    "expired token": (Failure(400, "ExpiredToken"), "sign in again"),
    "access denied": (Failure(403, "AccessDenied"), "docs/permissions.md"),
    "throttled": (Failure(503, "ThrottlingException"), "run the command again in a minute"),
    "internal error": (Failure(500, "InternalError"), "run the command again in a minute"),
}
NO_AWS = {"a proxy": (Failure(200, "", "<html>a page of a proxy"), "something other than AWS answered")}
"""An answer to the first request, which is one to CloudFormation."""


@pytest.fixture(scope="module")
def aws() -> Iterator[FailingAws]:
    with failing_aws() as server:
        yield server


@pytest.fixture(scope="module")
def stack() -> Iterator[ScriptedAws]:
    """CloudFormation with a complete stack, and Lambda with the environments of its functions."""
    with scripted_aws() as server:
        server.outputs = OUTPUTS | {
            "TriggerRuleName": "rule",
            "DeadLetterQueueUrl": "http://127.0.0.1/queue",
            "AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms",
            "TokenSecretName": "secret",
        }
        server.environments = {"convert": {}, "write": {"INFLUXDB_BUCKET": "ons"}}
        yield server


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new session: an earlier one would know another Region."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / KEY
    path.parent.mkdir()
    path.write_bytes(parquet(generation(3)))
    return path


def run(name: str, file: Path, **environment: str) -> Result:
    words = [str(file) if word == "FILE" else word for word in ARGUMENTS.get(name, [])]
    return run_loader(name, *words, **NOWHERE | environment)


def check(result: Result, next_step: str) -> None:
    """Check that the command ended with an error of one line and a next step, on the stream of errors."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in {1, 2}
    assert "Traceback" not in result.output
    assert next_step in result.output
    assert "defect of the loader" not in result.output


WITH_AWS = [name for name in COMMANDS if name not in NEED_NO_AWS]


@pytest.mark.parametrize("name", WITH_AWS)
def test_every_family_of_errors_is_explained_by_every_command(
    name: str, aws: FailingAws, stack: ScriptedAws, file: Path
) -> None:
    """CloudFormation and Lambda answer, all other services fail."""
    ours = f"http://127.0.0.1:{stack.server_port}"
    own = {f"AWS_ENDPOINT_URL_{service}": ours for service in ("CLOUDFORMATION", "LAMBDA")}
    for failure, next_step in FAMILIES.values():
        aws.failure, before = failure, aws.requests
        check(run(name, file, AWS_ENDPOINT_URL=aws.url, **own), next_step)
        assert aws.requests > before


@pytest.mark.parametrize(("failure", "next_step"), [*FAMILIES.values(), *NO_AWS.values()], ids=[*FAMILIES, *NO_AWS])
def test_the_first_request_of_all_may_fail_too(aws: FailingAws, file: Path, failure: Failure, next_step: str) -> None:
    aws.failure = failure
    check(run("history", file, AWS_ENDPOINT_URL=aws.url), next_step)


@pytest.mark.parametrize("name", WITH_AWS)
def test_without_an_endpoint_or_a_stack_every_command_says_so(name: str, aws: FailingAws, file: Path) -> None:
    check(run(name, file), "check that the local cloud (`make cloud`) is still running")
    check(run(name, file, AWS_ENDPOINT_URL="nonsense"), "unset it to use AWS")
    if name != "doctor":  # it asks for its credentials first, for which any answer is an error
        aws.failure = Failure(400, "ValidationError")
        check(run(name, file, AWS_ENDPOINT_URL=aws.url), "use --stack to name yours")


def test_without_a_region_it_says_how_to_choose_one(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(run("history", file, AWS_DEFAULT_REGION=""), "set it to the Region of the stack")
    for name, value in (NOWHERE | {"AWS_CONFIG_FILE": "/dev/null"}).items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    check(run_loader("history"), "sign in to AWS")


def test_without_credentials_it_says_how_to_sign_in(file: Path) -> None:
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
    files = {"AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_CONFIG_FILE": "/dev/null"}
    check(run("history", file, **nobody | files), "sign in to AWS")
    check(run("history", file, AWS_PROFILE="nobody"), "aws configure list-profiles")


def test_a_service_that_never_answers_is_a_time_out(file: Path) -> None:
    core = botocore.session.Session()
    core.set_default_client_config(Config(read_timeout=0.1))
    boto3.setup_default_session(botocore_session=core)
    with silent_server() as url:
        check(run("history", file, AWS_ENDPOINT_URL=url), "check that this machine can reach AWS")
