"""The local InfluxDB can fail in the ways that tests of the loader need, and rejects what a real one cannot parse."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from socket import SHUT_WR
from urllib.parse import urlsplit

import pytest
import requests

from local.influxdb.engine import EngineUnavailableError, fetch_package
from local.influxdb.engine_client import EngineClient, EngineError
from local.influxdb.server import InfluxTarget, LocalInfluxdb, external_target
from local.influxdb.syntax import malformed_lines
from shared.errors import SettingsError
from tests.support.damaged_lines import damaged_lines
from tests.support.influx_api import TIME_NS, InfluxApi


@pytest.fixture(scope="module")
def influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalInfluxdb]:
    with LocalInfluxdb(tmp_path_factory.mktemp("influxdb"), max_body_bytes=10_000) as running:
        yield running


@pytest.fixture
def api(influxdb: LocalInfluxdb) -> InfluxApi:
    return InfluxApi(influxdb.target)


def test_what_was_written_survives_a_crash(influxdb: LocalInfluxdb, api: InfluxApi) -> None:
    assert api.write_points(f" f=1 {TIME_NS}").status_code == 204
    influxdb.engine.kill()
    influxdb.engine.start()
    assert api.stored_rows() == [[TIME_NS, 1]]


def test_a_crashed_server_breaks_connections_and_comes_back(influxdb: LocalInfluxdb, api: InfluxApi) -> None:
    influxdb.engine.stop()
    for path in ("/ping", "/health"):
        with pytest.raises(requests.ConnectionError):
            api.get(path)
    with pytest.raises(requests.ConnectionError):
        api.write_points(f" f=1 {TIME_NS}")
    influxdb.engine.start()
    assert api.write_points(f" f=1 {TIME_NS}").status_code == 204


def test_a_stopped_server_refuses_connections_and_comes_back(influxdb: LocalInfluxdb, api: InfluxApi) -> None:
    influxdb.stop_gateway()
    with pytest.raises(requests.ConnectionError, match="refused"):
        api.get("/ping")
    influxdb.start_gateway()
    assert api.get("/ping").status_code == 204


def test_a_new_token_replaces_the_old_one_at_once(influxdb: LocalInfluxdb, api: InfluxApi) -> None:
    old = influxdb.target.token
    with requests.Session() as connection:
        influxdb.accept_token("rotated")
        for token, status in ((old, 401), ("rotated", 200)):
            headers = {"Authorization": f"Token {token}"}
            assert (
                connection.get(f"{influxdb.target.url}/api/v2/buckets", headers=headers, timeout=30).status_code
                == status
            )
    influxdb.accept_token(old)


def test_a_target_keeps_its_token_to_itself(influxdb: LocalInfluxdb) -> None:
    assert influxdb.target.token not in repr(influxdb.target)


def test_the_environment_names_another_server() -> None:
    environ = {"INFLUXDB_URL": "http://db:8086/", "INFLUXDB_ORG": "o", "INFLUXDB_BUCKET": "b", "INFLUXDB_TOKEN": "t"}
    assert external_target(environ) == InfluxTarget(url="http://db:8086", org="o", bucket="b", token="t")
    assert external_target({}) is None


def test_half_a_name_of_another_server_is_an_error() -> None:
    with pytest.raises(SettingsError, match="INFLUXDB_BUCKET, INFLUXDB_TOKEN"):
        external_target({"INFLUXDB_URL": "http://db:8086", "INFLUXDB_ORG": "o"})


def test_points_older_than_the_retention_are_dropped_and_the_rest_written(
    influxdb: LocalInfluxdb, api: InfluxApi
) -> None:
    influxdb.engine.create_bucket("short", retention="52w")
    bucket = api.get("/api/v2/buckets", name="short").json()["buckets"][0]
    assert bucket["retentionRules"][0]["everySeconds"] == 52 * 7 * 24 * 3600
    response = api.write_points(f" f=1 {TIME_NS}", " f=2", bucket="short")
    assert (response.status_code, response.json()["code"]) == (422, "unprocessable entity")
    assert "dropped=1" in response.json()["message"]


def test_a_body_is_measured_unpacked(api: InfluxApi) -> None:
    response = api.write_points(f" f=1 {TIME_NS}{' ' * 10_000}")
    assert (response.status_code, response.json()["code"]) == (413, "request too large")


def test_a_damaged_gzip_body_is_an_internal_error(api: InfluxApi) -> None:
    response = api.write(b"no gzip", encoding="gzip")
    assert (response.status_code, response.json()["code"]) == (500, "internal error")


def begin_write(api: InfluxApi, body: bytes, length: int) -> HTTPConnection:
    """Send the first bytes of a body of `length` bytes."""
    url = urlsplit(api.influx.url)
    connection = HTTPConnection("127.0.0.1", url.port or 0, timeout=30)
    connection.putrequest("POST", f"/api/v2/write?org={api.influx.org}&bucket={api.influx.bucket}")
    connection.putheader("Authorization", f"Token {api.influx.token}")
    connection.putheader("Content-Length", str(length))
    connection.endheaders(body)
    return connection


def test_half_a_body_writes_nothing(api: InfluxApi) -> None:
    with closing(begin_write(api, f"{api.series} f=1 {TIME_NS}".encode(), 1000)) as connection:
        connection.sock.shutdown(SHUT_WR)
        assert connection.sock.recv(1000) == b""
    assert api.stored_rows() == []


def test_a_body_that_takes_too_long_is_a_499(tmp_path: Path) -> None:
    with LocalInfluxdb(tmp_path, read_timeout_s=0.2) as influxdb:
        api = InfluxApi(influxdb.target)
        with closing(begin_write(api, f"{api.series} f=1 {TIME_NS}".encode(), 1000)) as connection:
            response = connection.getresponse()
            content = json.loads(response.read())
        assert (response.status, content["code"]) == (499, "internal error")
        assert content["message"].startswith("unable to read data: read tcp ")
        assert content["message"].endswith(": i/o timeout")
        assert api.write_points(f" f=2 {TIME_NS}").status_code == 204
        assert api.stored_rows() == [[TIME_NS, 2]]


def test_a_full_cache_is_an_internal_error(tmp_path: Path) -> None:
    small = {"INFLUXDB_DATA_CACHE_MAX_MEMORY_SIZE": "10000"}
    with LocalInfluxdb(tmp_path, engine_settings=small) as influxdb:
        api = InfluxApi(influxdb.target)
        response = api.write_points(*(f",t={number} f=1 {TIME_NS}" for number in range(5000)))
        assert (response.status_code, response.json()["code"]) == (500, "internal error")
        assert "engine: cache-max-memory-size exceeded: (" in response.json()["message"]


def test_a_write_that_times_out_may_be_stored(tmp_path: Path) -> None:
    impatient = {"INFLUXDB_COORDINATOR_WRITE_TIMEOUT": "1ns"}
    with LocalInfluxdb(tmp_path, engine_settings=impatient) as influxdb:
        api = InfluxApi(influxdb.target)
        replies = [api.write_points(f" f=1 {TIME_NS + number}") for number in range(50)]
        timeouts = [reply.json() for reply in replies if reply.status_code == 500]
        text = "unexpected error writing points to database: timeout"
        assert timeouts
        assert all(content == {"code": "internal error", "message": text} for content in timeouts)
        deadline = time.monotonic() + 10
        while len(api.stored_rows()) < 50 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(api.stored_rows()) == 50


def test_tokens_survive_a_restart_of_the_gateway_and_a_new_operator_token(
    influxdb: LocalInfluxdb, api: InfluxApi
) -> None:
    old = influxdb.target.token
    with api.new_token("write") as writer:
        influxdb.stop_gateway()
        influxdb.accept_token("rotated")
        influxdb.start_gateway()
        assert api.write_points(f" f=1 {TIME_NS}", token=writer["token"]).status_code == 204
        influxdb.accept_token(old)
    assert api.write_points(f" f=1 {TIME_NS}", token=writer["token"]).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"), [("PATCH", "authorizations"), ("DELETE", "authorizations"), ("DELETE", "buckets")]
)
def test_what_does_not_exist_cannot_be_changed(api: InfluxApi, method: str, path: str) -> None:
    response = api.request(method, f"/api/v2/{path}/0123456789abcdef", json={"status": "inactive"})
    assert (response.status_code, response.json()["code"]) == (404, "not found")


def test_only_the_operator_token_creates_others(api: InfluxApi) -> None:
    with api.new_token("read", "write") as token:
        response = api.request("POST", "/api/v2/authorizations", token=token["token"], json={"permissions": []})
        assert (response.status_code, response.json()["code"]) == (401, "unauthorized")


def test_an_unknown_path_is_not_found(api: InfluxApi) -> None:
    assert (api.get("/api/v3/write").status_code, api.get("/api/v3/write").json()["code"]) == (404, "not found")


def test_the_gateway_rejects_exactly_what_the_engine_cannot_parse(influxdb: LocalInfluxdb) -> None:
    lines = ["m,a=b f=1 1", "m f=1", "m,a=b,c=d f=-1.5e3,g=t 7", "m f=1e308", f"m f={2**63 - 1}i"]
    influxdb.engine.create_bucket("damaged")
    with closing(EngineClient(influxdb.engine.port)) as engine:
        for line in damaged_lines(lines, 'mf=, \\"1.-eit\t#Né', count=4000, seed=20261122):
            try:
                engine.write(line.encode(), database="damaged", precision="n")
                rejected = False
            except EngineError as error:
                rejected = "unable to parse" in str(error)
            assert any(malformed_lines(line.encode(), "ns")) == rejected, line


@pytest.mark.parametrize("apt_get", [None, "echo 'E: Unable to locate package influxdb' >&2; exit 100"])
def test_without_the_package_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apt_get: str | None
) -> None:
    if apt_get:
        (tmp_path / "apt-get").write_text(f"#!/bin/sh\n{apt_get}\n")
        (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        EngineUnavailableError, match=r"(?s)(apt-get is not installed|Unable to locate).*docker run.*INFLUXDB_URL"
    ):
        fetch_package(tmp_path)
