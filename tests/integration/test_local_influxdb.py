"""Our InfluxDB can fail in the ways that tests of the loader need, and refuses what a real one cannot parse."""

import random
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
from tests.support.influx_api import TIME_NS, Api


@pytest.fixture(scope="module")
def influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalInfluxdb]:
    with LocalInfluxdb(tmp_path_factory.mktemp("influxdb"), max_body_bytes=10_000) as running:
        yield running


@pytest.fixture
def api(influxdb: LocalInfluxdb) -> Api:
    return Api(influxdb.target)


def test_what_was_written_survives_a_crash(influxdb: LocalInfluxdb, api: Api) -> None:
    assert api.write_points(f" f=1 {TIME_NS}").status_code == 204
    influxdb.engine.kill()
    influxdb.engine.start()
    assert api.stored() == [[TIME_NS, 1]]


def test_a_crashed_server_breaks_connections_and_comes_back(influxdb: LocalInfluxdb, api: Api) -> None:
    influxdb.engine.stop()
    for path in ("/ping", "/health"):
        with pytest.raises(requests.ConnectionError):
            api.get(path)
    with pytest.raises(requests.ConnectionError):
        api.write_points(f" f=1 {TIME_NS}")
    influxdb.engine.start()
    assert api.write_points(f" f=1 {TIME_NS}").status_code == 204


def test_a_stopped_server_refuses_connections_and_comes_back(influxdb: LocalInfluxdb, api: Api) -> None:
    influxdb.stop_gateway()
    with pytest.raises(requests.ConnectionError, match="refused"):
        api.get("/ping")
    influxdb.start_gateway()
    assert api.get("/ping").status_code == 204


def test_a_new_token_replaces_the_old_one_at_once(influxdb: LocalInfluxdb, api: Api) -> None:
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


def test_half_a_name_of_another_server_is_refused() -> None:
    with pytest.raises(SettingsError, match="INFLUXDB_BUCKET, INFLUXDB_TOKEN"):
        external_target({"INFLUXDB_URL": "http://db:8086", "INFLUXDB_ORG": "o"})


def test_points_older_than_the_retention_are_dropped_and_the_rest_written(influxdb: LocalInfluxdb, api: Api) -> None:
    influxdb.engine.create_bucket("short", retention="52w")
    bucket = api.get("/api/v2/buckets", name="short").json()["buckets"][0]
    assert bucket["retentionRules"][0]["everySeconds"] == 52 * 7 * 24 * 3600
    response = api.write_points(f" f=1 {TIME_NS}", " f=2", bucket="short")
    assert (response.status_code, response.json()["code"]) == (422, "unprocessable entity")
    assert "dropped=1" in response.json()["message"]


def test_a_body_is_measured_unpacked(api: Api) -> None:
    response = api.write_points(f" f=1 {TIME_NS}{' ' * 10_000}")
    assert (response.status_code, response.json()["code"]) == (413, "request too large")


def test_a_damaged_gzip_body_is_an_internal_error(api: Api) -> None:
    response = api.write(b"no gzip", encoding="gzip")
    assert (response.status_code, response.json()["code"]) == (500, "internal error")


def test_half_a_body_writes_nothing(influxdb: LocalInfluxdb, api: Api) -> None:
    url = urlsplit(influxdb.target.url)
    with closing(HTTPConnection("127.0.0.1", url.port or 0)) as connection:
        connection.putrequest("POST", f"/api/v2/write?org={influxdb.target.org}&bucket={influxdb.target.bucket}")
        connection.putheader("Authorization", f"Token {influxdb.target.token}")
        connection.putheader("Content-Length", "1000")
        connection.endheaders(f"{api.series} f=1 {TIME_NS}".encode())
        connection.sock.shutdown(SHUT_WR)
        assert connection.sock.recv(1000) == b""
    assert api.stored() == []


def test_an_unknown_path_is_not_found(api: Api) -> None:
    assert (api.get("/api/v3/write").status_code, api.get("/api/v3/write").json()["code"]) == (404, "not found")


def damaged_lines(count: int) -> Iterator[str]:
    """Lines with one to three characters changed, put in or taken out."""
    choice = random.Random(20261122)  # noqa: S311
    for _ in range(count):
        line = list(choice.choice(["m,a=b f=1 1", "m f=1", "m,a=b,c=d f=-1.5e3,g=t 7"]))
        for _ in range(choice.randint(1, 3)):
            start = choice.randrange(len(line))
            line[start : start + choice.randint(0, 1)] = choice.choice([*'mf=, \\"1.-eit\t#Né', ""])
        yield "".join(line)


def test_the_gateway_refuses_exactly_what_the_engine_cannot_parse(influxdb: LocalInfluxdb) -> None:
    influxdb.engine.create_bucket("damaged")
    with closing(EngineClient(influxdb.engine.port)) as engine:
        for line in damaged_lines(4000):
            try:
                engine.write(line.encode(), database="damaged", precision="n")
                refused = False
            except EngineError as error:
                refused = "unable to parse" in str(error)
            assert any(malformed_lines(line.encode(), "ns")) == refused, line


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
