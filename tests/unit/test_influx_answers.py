"""The table of InfluxDB's answers, row by row: each reply and each exception as it really arrives."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from shared.errors import (
    BucketNotFoundError,
    InfluxDiskFullError,
    InfluxUnauthorizedError,
    InfluxUnavailableError,
    LoaderError,
    RefusedPointsError,
    RequestRejectedError,
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


def write_to(url: str, ca_bundle: str = "") -> Answer:
    settings = InfluxSettings(
        url=url, org="grid", bucket="ons", token="canary", token_secret_name="", ca_bundle=ca_bundle
    )
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
        (402, Action.STOP, RequestRejectedError),
        (418, Action.STOP, RequestRejectedError),
        (451, Action.STOP, RequestRejectedError),
        (408, Action.RETRY, InfluxUnavailableError),
        (499, Action.RETRY, InfluxUnavailableError),
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


def test_a_4xx_without_a_rule_quotes_the_server_and_not_the_url(influx: ScriptedInflux) -> None:
    influx.script = [Reply(451, "blocked by policy 7")]
    message = write_to(influx.url).message
    assert message == "InfluxDB returned 451 (it, or a proxy in front of it, rejects the request): blocked by policy 7"


def test_a_write_whose_body_timed_out_on_the_server_is_quoted_and_retried(influx: ScriptedInflux) -> None:
    """2.7.12 sends this, with http-read-timeout, to a client that is still connected."""
    text = "unable to read data: read tcp 127.0.0.1:8086->127.0.0.1:1: i/o timeout"
    influx.script = [Reply(499, {"code": "internal error", "message": text})]
    answer = write_to(influx.url)
    assert answer.action is Action.RETRY
    assert answer.message == f"InfluxDB returned 499 (it timed out reading the request): {text}"


@pytest.mark.parametrize(
    "text",
    [
        "engine: error writing WAL entry: write /var/lib/influxdb/wal/1.wal: no space left on device",
        "not attempting to open shard 2; opening shard previously failed with: [shard 2] no space left on device",
    ],
)
def test_a_full_disk_is_recognized_and_the_message_says_what_to_do(influx: ScriptedInflux, text: str) -> None:
    influx.script = [Reply(500, {"code": "internal error", "message": text})]
    answer = write_to(influx.url)
    assert (answer.action, answer.error) == (Action.RETRY, InfluxDiskFullError)
    assert "make room, then restart influxd" in answer.message
    assert text in answer.message


def test_a_rejected_point_about_a_full_disk_is_not_a_full_disk() -> None:
    assert interpret(HttpReply(status=400, data="unable to parse 'm no space left on device'")).action is Action.SPLIT


@pytest.mark.parametrize(("status", "error"), [(503, InfluxUnavailableError), (403, InfluxUnauthorizedError)])
def test_a_body_that_is_not_utf8_keeps_its_status_and_headers(
    influx: ScriptedInflux, status: int, error: type[LoaderError]
) -> None:
    influx.script = [Reply(status, "Dienst nicht verfügbar".encode("latin-1"), headers={"Retry-After": "7"})]
    answer = write_to(influx.url)
    assert (answer.status, answer.error, answer.retry_after_s) == (status, error, 7)
    assert "Dienst nicht verf\ufffdgbar" in answer.message


@pytest.mark.parametrize("reply", [Reply(204), Reply(503, "busy" * 100), Reply(400, "x", {"Content-Length": "1"})])
def test_a_response_byte_by_byte_is_given_up_when_its_time_is_over(influx: ScriptedInflux, reply: Reply) -> None:
    """Each byte comes well before the read time-out of 0.3 s; the whole response would take seconds."""
    influx.script = [replace(reply, pause_s=0.1)]
    started = monotonic()
    answer = write_to(influx.url)
    assert monotonic() - started < 1.5
    assert (answer.action, answer.status) == (Action.RETRY, 0)
    assert answer.message == "no response from InfluxDB: the request timed out"


def test_a_slow_body_without_a_length_is_not_taken_for_a_complete_one(influx: ScriptedInflux) -> None:
    influx.script = [Reply(400, "x" * 10_000, pause_s=0.001)]
    assert write_to(influx.url).message == "no response from InfluxDB: the request timed out"


def test_a_response_byte_by_byte_over_tls_is_given_up_too(tmp_path: Path) -> None:
    tls, pem = create_self_signed(tmp_path)
    with scripted_influx(tls) as server:
        server.script = [Reply(503, "busy" * 100, pause_s=0.1)]
        started = monotonic()
        answer = write_to(server.url, ca_bundle=str(pem))
    assert monotonic() - started < 1.5
    assert answer.message == "no response from InfluxDB: the request timed out"


def test_the_next_request_after_one_that_was_given_up_succeeds(influx: ScriptedInflux) -> None:
    settings = InfluxSettings(url=influx.url, org="g", bucket="ons", token="t", token_secret_name="", ca_bundle="")
    client = Influx(settings)
    influx.script = [Reply(503, "busy" * 100, pause_s=0.1)]
    assert interpret(client.write(b"body", bucket="ons", timeout_s=0.3)).action is Action.RETRY
    assert interpret(client.write(b"body", bucket="ons", timeout_s=0.3)).action is Action.DONE


def test_a_proxy_carries_the_requests_unless_no_proxy_excepts_the_server(
    influx: ScriptedInflux, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy for plain HTTP gets the whole URL; one for HTTPS gets CONNECT, and no token."""
    monkeypatch.setenv("HTTP_PROXY", influx.url)
    monkeypatch.setenv("HTTPS_PROXY", influx.url)
    assert write_to("http://influx.example:8086").action is Action.DONE
    assert influx.requests.pop().headers["Host"] == "influx.example:8086"
    influx.fallback = lambda _: Reply(407, "no")
    answer = write_to("https://influx.example:8086")
    assert answer.message == "no response from InfluxDB: the proxy in HTTPS_PROXY or HTTP_PROXY does not connect to it"
    assert [(request.method, request.token) for request in influx.requests] == [("CONNECT", "")]
    monkeypatch.setenv("NO_PROXY", "localhost,.invalid")
    assert "DNS" in write_to("https://influx.invalid:8086").message


def test_a_proxy_that_is_down_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    answer = write_to("https://influx.example:8086")
    assert (answer.action, answer.error) == (Action.RETRY, InfluxUnavailableError)
    assert "the proxy in HTTPS_PROXY or HTTP_PROXY does not connect" in answer.message


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
