"""The table of InfluxDB's answers, row by row: each reply and each exception as it really arrives."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.errors import (
    BucketNotFoundError,
    InfluxUnauthorizedError,
    InfluxUnavailableError,
    LoaderError,
    RefusedPointsError,
    SettingsError,
    UntrustedCertificateError,
)
from shared.influx import Influx
from shared.influx_answers import Action, Answer, HttpReply, interpret
from shared.settings import InfluxSettings
from tests.support.certificates import create_self_signed
from tests.support.scripted_influx import BROKEN, RESET, SILENCE, Reply, ScriptedInflux, scripted_influx


@pytest.fixture
def influx() -> Iterator[ScriptedInflux]:
    with scripted_influx() as server:
        yield server


def write_to(url: str) -> Answer:
    settings = InfluxSettings(url=url, org="grid", bucket="ons", token="canary", token_secret_name="", ca_bundle="")
    return interpret(Influx(settings).write(b"body", bucket="ons", timeout_s=0.3))


@pytest.mark.parametrize(
    ("status", "action", "error"),
    [
        (204, Action.DONE, LoaderError),
        (400, Action.SPLIT, RefusedPointsError),
        (413, Action.SPLIT, RefusedPointsError),
        (422, Action.SPLIT, RefusedPointsError),
        (401, Action.REAUTHORIZE, InfluxUnauthorizedError),
        (403, Action.REAUTHORIZE, InfluxUnauthorizedError),
        (404, Action.STOP, BucketNotFoundError),
        (408, Action.RETRY, InfluxUnavailableError),
        (429, Action.RETRY, InfluxUnavailableError),
        (500, Action.RETRY, InfluxUnavailableError),
        (502, Action.RETRY, InfluxUnavailableError),
        (503, Action.RETRY, InfluxUnavailableError),
        (504, Action.RETRY, InfluxUnavailableError),
        (530, Action.RETRY, InfluxUnavailableError),
        (200, Action.STOP, SettingsError),
        (202, Action.STOP, SettingsError),
        (302, Action.STOP, SettingsError),
        (405, Action.STOP, SettingsError),
    ],
)
def test_a_status_means(influx: ScriptedInflux, status: int, action: Action, error: type[LoaderError]) -> None:
    influx.script = [Reply(status, "<html>")]
    answer = write_to(influx.url)
    assert (answer.status, answer.action, answer.error) == (status, action, error)


@pytest.mark.parametrize(
    ("reply", "meaning"),
    [(RESET, "the connection was closed"), (BROKEN, "the connection was closed"), (SILENCE, "the request timed out")],
)
def test_a_missing_reply_is_retried(influx: ScriptedInflux, reply: Reply, meaning: str) -> None:
    influx.script = [reply]
    answer = write_to(influx.url)
    assert (answer.action, answer.error, answer.status) == (Action.RETRY, InfluxUnavailableError, 0)
    assert meaning in answer.message


def test_a_port_that_nobody_listens_on_refuses() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = write_to(f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert answer.action is Action.RETRY
    assert answer.message == "no response from InfluxDB: the connection was refused"


def test_a_listener_that_accepts_nobody_times_out() -> None:
    with socket.socket() as full, socket.socket() as queued:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        queued.connect(full.getsockname())
        answer = write_to(f"http://127.0.0.1:{full.getsockname()[1]}")
    assert answer.message == "no response from InfluxDB: connecting timed out"


def test_a_name_that_does_not_resolve_is_dns() -> None:
    answer = write_to("http://influx.invalid:8086")
    assert answer.action is Action.RETRY
    assert "DNS" in answer.message


def test_a_network_without_a_way_to_it_is_told_from_a_server_that_refuses() -> None:
    answer = write_to("http://255.255.255.255:8086")
    assert answer.action is Action.RETRY
    assert answer.message == "no response from InfluxDB: its network is unreachable"


def test_a_certificate_that_nobody_vouches_for_stops_before_anything_is_sent(tmp_path: Path) -> None:
    tls, _ = create_self_signed(tmp_path)
    with scripted_influx(tls) as server:
        answer = write_to(server.url)
    assert (answer.action, answer.error) == (Action.STOP, UntrustedCertificateError)
    assert answer.message.endswith("renew it, or put its CA certificate into INFLUXDB_CA_BUNDLE")
    assert not server.requests


def test_tls_to_a_server_without_tls_fails_as_tls(influx: ScriptedInflux) -> None:
    answer = write_to(influx.url.replace("http:", "https:"))
    assert (answer.action, answer.error) == (Action.RETRY, InfluxUnavailableError)
    assert answer.message == "no response from InfluxDB: the TLS handshake failed"


@pytest.mark.parametrize("url", ["influx:8086", "http://[::1", "ftp://influx"])
def test_an_invalid_url_is_not_retried(url: str) -> None:
    answer = write_to(url)
    assert (answer.action, answer.error) == (Action.STOP, SettingsError)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"code": "invalid", "message": "unable to parse"}, "unable to parse"),
        ({"error": "partial write"}, "partial write"),
        (
            {"error": "partial write", "data": [{"error_message": "no fields", "line_number": 2}]},
            "partial write: no fields",
        ),
        ({"error": "parsing failed", "data": None}, "parsing failed"),
        ({"reason": "odd"}, '{"reason": "odd"}'),
        ("plain text\n", "plain text"),
        (["a list"], "['a list']"),
    ],
)
def test_the_server_is_quoted_whatever_its_version(data: object, expected: str) -> None:
    message = interpret(HttpReply(status=400, data=data)).message
    assert message == f"InfluxDB returned 400 (it rejected points): {expected}"


def test_a_long_message_is_cut() -> None:
    assert len(interpret(HttpReply(status=400, data="x" * 10_000)).message) < 600


def test_the_token_does_not_come_back_in_a_message(influx: ScriptedInflux) -> None:
    influx.script = [Reply(401, {"code": "unauthorized", "message": "unknown token canary"})]
    assert write_to(influx.url).message.endswith("unknown token ***")


def test_a_redirect_is_not_followed(influx: ScriptedInflux) -> None:
    influx.script = [Reply(307, headers={"Location": influx.url + "/elsewhere"})]
    assert write_to(influx.url).error is SettingsError
    assert [request.path for request in influx.requests] == ["/api/v2/write"]
