"""The creation of a token for one bucket with the administrator's credentials."""

import base64
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest

from cli.create_token import main
from tests.support.scripted_influx import Reply, Request, ScriptedInflux, scripted_influx

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ADMIN = {"username": "admin", "password": "the-password", "organization": "ons", "bucket": "energy"}
COOKIE = "influxdb-oss-session=abc"
BUCKET = {"id": "b1", "orgID": "o1", "name": "energy"}


@pytest.fixture
def secrets(s3: "S3Client") -> None:
    """In the AWS of the buckets."""
    client = boto3.client("secretsmanager")
    client.create_secret(Name="admin", SecretString=json.dumps(ADMIN))
    client.create_secret(Name="token", SecretString="generated")


@pytest.fixture
def server() -> Iterator[ScriptedInflux]:
    with scripted_influx() as running:
        running.fallback = reply_like_influxdb
        yield running


def reply_like_influxdb(request: Request) -> Reply:
    """As 2.7 does for its administrator."""
    if request.path == "/api/v2/signin":
        expected = "Basic " + base64.b64encode(b"admin:the-password").decode()
        authorized = request.headers["Authorization"] == expected
        return Reply(204, headers={"Set-Cookie": f"{COOKIE}; Path=/"}) if authorized else Reply(401, "unauthorized")
    if request.headers.get("Cookie") != COOKIE:
        return Reply(401, "unauthorized")
    return Reply(200, {"buckets": [BUCKET]}) if request.method == "GET" else Reply(201, {"token": "the-token"})


def run(monkeypatch: pytest.MonkeyPatch, server: ScriptedInflux) -> None:
    arguments = ["--url", server.url, "--admin-secret", "admin", "--token-secret", "token"]
    monkeypatch.setattr(sys, "argv", ["create_token.py", *arguments])
    main()


def stored_token() -> str:
    return boto3.client("secretsmanager").get_secret_value(SecretId="token")["SecretString"]


def test_a_token_for_the_bucket_is_in_the_secret_and_nowhere_else(
    secrets: None, server: ScriptedInflux, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, server)
    assert stored_token() == "the-token"
    printed = capsys.readouterr()
    assert "energy" in printed.out
    assert "the-token" not in printed.out + printed.err


def test_the_token_may_read_and_write_that_bucket_only(
    secrets: None, server: ScriptedInflux, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, server)
    [authorization] = [json.loads(r.body) for r in server.requests if r.path == "/api/v2/authorizations"]
    resource = {"type": "buckets", "id": "b1", "orgID": "o1"}
    assert authorization["permissions"] == [{"action": action, "resource": resource} for action in ("read", "write")]
    [query] = [r.query for r in server.requests if r.path == "/api/v2/buckets"]
    assert query == {"org": "ons", "name": "energy"}


def test_a_refusal_leaves_the_secret_as_it_was(
    secrets: None, server: ScriptedInflux, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.fallback = lambda _: Reply(401, "unauthorized")
    with pytest.raises(SystemExit, match="InfluxDB rejected the request: 401"):
        run(monkeypatch, server)
    assert stored_token() == "generated"
