"""The token: from the environment or the secret, read again once when it is refused, never told."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import boto3
import pytest

from functions.write_batch.delivery import WRITERS
from shared.aws_clients import discard_clients
from shared.errors import InfluxUnauthorizedError, SettingsError
from shared.events import ChunkRef
from shared.influx import token
from shared.settings import InfluxSettings
from tests.support.scripted_influx import Reply, ScriptedInflux
from tests.support.serving import serve_in_thread
from tests.support.staged_chunk import points, stage, write

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient

NAME = "influx-token"


@pytest.fixture
def secrets(
    s3: "S3Client", influx: ScriptedInflux, monkeypatch: pytest.MonkeyPatch
) -> Iterator["SecretsManagerClient"]:
    """Secrets Manager with the token `old`, which an InfluxDB knows whose token is `new`."""
    monkeypatch.delenv("INFLUXDB_TOKEN")
    monkeypatch.setenv("INFLUXDB_TOKEN_SECRET_NAME", NAME)
    influx.fallback = lambda request: Reply(204 if request.token == "new" else 401)
    client = boto3.client("secretsmanager")
    client.create_secret(Name=NAME, SecretString="old")
    discard_clients()
    yield client
    discard_clients()


def cached(secrets: "SecretsManagerClient", ref: ChunkRef, context: SimpleNamespace) -> None:
    """An invocation that reads the old token; warm functions keep it."""
    with pytest.raises(InfluxUnauthorizedError):
        write(ref, context)


@pytest.mark.parametrize("secret", ["new", " new\n", '{"token": "new"}', '{"token": "new", "org": "grid"}'])
def test_a_rotated_token_is_read_once_and_the_load_goes_on(
    s3: "S3Client",
    influx: ScriptedInflux,
    secrets: "SecretsManagerClient",
    context: SimpleNamespace,
    secret: str,
) -> None:
    ref = stage(s3, *(points(1, first=number) for number in range(10)))
    cached(secrets, ref, context)
    influx.requests.clear()
    secrets.put_secret_value(SecretId=NAME, SecretString=secret)
    assert write(ref, context)["written"]
    tokens = [request.token for request in influx.writes]
    assert tokens.count("new") == 10
    assert 1 <= tokens.count("old") <= WRITERS


def test_a_token_that_has_not_changed_is_not_tried_again(
    s3: "S3Client", influx: ScriptedInflux, secrets: "SecretsManagerClient", context: SimpleNamespace
) -> None:
    with pytest.raises(InfluxUnauthorizedError, match=r"401 \(the token is invalid\)"):
        write(stage(s3, points(3)), context)
    assert len(influx.writes) == 1


def test_a_rejected_token_is_not_bisected(s3: "S3Client", influx: ScriptedInflux, context: SimpleNamespace) -> None:
    influx.fallback = lambda _: Reply(403)
    with pytest.raises(InfluxUnauthorizedError):
        write(stage(s3, points(50)), context)
    assert len(influx.writes) == 1


@pytest.mark.parametrize("secret", ["", '{"username": "u", "password": "p"}', "two\nlines", "t\u00f6ken"])
def test_a_secret_without_a_token_is_named_but_its_value_is_not_shown(
    s3: "S3Client", secrets: "SecretsManagerClient", context: SimpleNamespace, secret: str
) -> None:
    secrets.put_secret_value(SecretId=NAME, SecretString=secret or " ")
    with pytest.raises(SettingsError, match="the secret influx-token holds no valid token") as raised:
        write(stage(s3, points(3)), context)
    assert not secret or secret not in str(raised.value)


def test_a_missing_secret_is_named(
    s3: "S3Client", secrets: "SecretsManagerClient", context: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFLUXDB_TOKEN_SECRET_NAME", "elsewhere")
    with pytest.raises(SettingsError, match="cannot read the secret elsewhere: ResourceNotFoundException"):
        write(stage(s3, points(3)), context)


@pytest.mark.parametrize("status", [204, 400, 401, 404, 500, 0])
def test_the_token_is_in_no_log_line_and_no_error(
    s3: "S3Client",
    influx: ScriptedInflux,
    context: SimpleNamespace,
    capsys: pytest.CaptureFixture[str],
    status: int,
) -> None:
    influx.fallback = lambda request: Reply(status, {"message": f"{request.headers['Authorization']} is not right"})
    error = ""
    try:
        write(stage(s3, points(1)), context)
    except Exception as raised:  # noqa: BLE001 - whatever it is, it must not tell
        error = repr(raised) + repr(raised.__cause__) + repr(raised.__context__)
    assert "canary" not in error
    assert "canary" not in capsys.readouterr().out


PROFILES = """
[profile base]
aws_access_key_id = testing
aws_secret_access_key = testing
[profile analyst]
role_arn = arn:aws:iam::123456789012:role/analyst
source_profile = base
"""


def test_a_command_reads_the_secret_with_a_profile_that_assumes_a_role(
    secrets: "SecretsManagerClient", monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The credentials of a profile come from other services, such as STS, in the same session."""
    (tmp_path / "config").write_text(PROFILES)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "analyst")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    settings = InfluxSettings(url="", org="", bucket="", token="", token_secret_name=NAME, ca_bundle="")
    assert token(settings) == "old"
    assert vars(boto3)["DEFAULT_SESSION"].get_credentials().method == "assume-role"


class SecretsEndpoint(BaseHTTPRequestHandler):
    """An endpoint of Secrets Manager with a name of its own, which holds one secret."""

    def do_POST(self) -> None:
        body = json.dumps({"Name": NAME, "SecretString": "from-the-endpoint"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the name of the base class
        """Keep standard error clean."""


def test_the_secret_is_read_at_the_endpoint_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a VPC, the functions reach Secrets Manager only by the name of its endpoint there."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    settings = InfluxSettings(url="", org="", bucket="", token="", token_secret_name=NAME, ca_bundle="")
    with serve_in_thread(ThreadingHTTPServer(("127.0.0.1", 0), SecretsEndpoint)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", f"http://127.0.0.1:{server.server_port}")
        discard_clients()
        try:
            assert token(settings) == "from-the-endpoint"
        finally:
            discard_clients()
