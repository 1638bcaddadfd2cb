"""The contract of InfluxDB's API for tokens, organizations and buckets: equal for the gateway and for INFLUXDB_URL."""

from contextlib import closing
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import pytest

from tests.support.influx_api import TIME_NS, InfluxApi, message, status_and_code


def test_a_bucket_that_is_missing_is_not_found(api_2: InfluxApi) -> None:
    missing = f"missing_{uuid4().hex}"
    response = api_2.write_points(f" f=1 {TIME_NS}", bucket=missing)
    assert status_and_code(response) == (404, "not found")
    assert missing in response.json()["message"]


def test_a_wrong_token_is_unauthorized(api: InfluxApi) -> None:
    assert api.write_points(f" f=1 {TIME_NS}", token="wrong").status_code == 401
    assert api.get("/query", token="wrong", db=api.influx.bucket, q="SHOW MEASUREMENTS").status_code == 401
    assert api.stored_rows() == []


def test_a_bucket_is_found_by_its_name(api_2: InfluxApi) -> None:
    reply = api_2.get("/api/v2/buckets", org=api_2.influx.org, name=api_2.influx.bucket)
    (bucket,) = reply.json()["buckets"]
    assert bucket["name"] == api_2.influx.bucket
    assert all(rule["everySeconds"] >= 0 for rule in bucket["retentionRules"])


def test_a_bucket_keeps_its_id_until_it_is_created_anew(api_2: InfluxApi) -> None:
    name = f"contract_{uuid4().hex}"
    ids = []
    for _ in range(2):
        with api_2.new_bucket(retention_s=0, name=name) as created:
            (bucket,) = api_2.get("/api/v2/buckets", org=api_2.influx.org, name=name).json()["buckets"]
            assert bucket["id"] == created["id"]
            ids.append(bucket["id"])
    assert ids[0] != ids[1]


def test_a_bucket_that_is_missing_is_not_found_by_its_name(api_2: InfluxApi) -> None:
    reply = api_2.get("/api/v2/buckets", org=api_2.influx.org, name=f"missing_{uuid4().hex}")
    assert status_and_code(reply) == (404, "not found")


def test_a_wrong_token_finds_no_bucket(api_2: InfluxApi) -> None:
    assert status_and_code(api_2.get("/api/v2/buckets", token="wrong", name=api_2.influx.bucket)) == (
        401,
        "unauthorized",
    )


def test_a_token_that_may_not_write_is_forbidden(api_2: InfluxApi) -> None:
    with api_2.new_token("read") as reader:
        response = api_2.write_points(f" f=1 {TIME_NS}", token=reader["token"])
        assert status_and_code(response) == (403, "forbidden")
        assert message(response) == "insufficient permissions for write"
        assert api_2.write(b"", token=reader["token"]).status_code == 403
        reply = api_2.query(f'SELECT * FROM "{api_2.series}"', token=reader["token"])  # noqa: S608
        assert (reply.status_code, reply.json()["results"]) == (200, [{"statement_id": 0}])
    assert api_2.stored_rows() == []


def test_a_token_that_may_only_write_sees_no_bucket(api_2: InfluxApi) -> None:
    select = f'SELECT * FROM "{api_2.series}"'  # noqa: S608
    with api_2.new_token("write") as writer:
        token, bucket = writer["token"], api_2.influx.bucket
        assert api_2.write_points(f" f=1 {TIME_NS}", token=token).status_code == 204
        reply = api_2.get("/api/v2/buckets", token=token, org=api_2.influx.org, name=bucket)
        assert (reply.status_code, reply.json()["buckets"]) == (200, [])
        missing = api_2.get("/api/v2/buckets", token=token, org=api_2.influx.org, name="missing_bucket")
        assert status_and_code(missing) == (404, "not found")
        (result,) = api_2.query(select, token=token).json()["results"]
        assert result["error"].startswith("database not found: ")
        csv = api_2.query(select, token=token, accept="application/csv")
        assert (csv.status_code, csv.content) == (200, b"")
        ((databases,),) = (result["series"] for result in api_2.query("SHOW DATABASES", token=token).json()["results"])
        assert "values" not in databases


def test_an_inactive_token_is_forbidden_and_a_deleted_one_unauthorized(api_2: InfluxApi) -> None:
    with api_2.new_token("read", "write") as token:
        path = f"/api/v2/authorizations/{token['id']}"
        assert api_2.request("PATCH", path, json={"status": "inactive"}).status_code == 200
        response = api_2.write_points(f" f=1 {TIME_NS}", token=token["token"])
        assert status_and_code(response) == (403, "forbidden")
        assert message(response) == "insufficient permissions for write: token is inactive"
        assert api_2.request("DELETE", path).status_code == 204
        assert status_and_code(api_2.write_points(f" f=1 {TIME_NS}", token=token["token"])) == (401, "unauthorized")
    assert api_2.stored_rows() == []


@pytest.mark.parametrize("header", ["TOKEN {}", "token {}", "Bearer {}", "Token {} "])
def test_the_scheme_of_a_token_is_read_leniently(api_2: InfluxApi, header: str) -> None:
    parameters = {"org": api_2.influx.org, "bucket": api_2.influx.bucket}
    headers = {"Authorization": header.format(api_2.influx.token).rstrip() + " " * header.endswith(" ")}
    body = f"{api_2.series} f=1 {TIME_NS}"
    assert send_raw(api_2, "/api/v2/write?" + urlencode(parameters), body.encode(), headers) == 204


def send_raw(api: InfluxApi, path: str, body: bytes, headers: dict[str, str]) -> int:
    """Send a POST with headers that `requests` would reject, and return the status."""
    url = urlsplit(api.influx.url)
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    with closing(kind(url.netloc, timeout=30)) as connection:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status


def test_the_target_is_checked_before_the_body(api_2: InfluxApi) -> None:
    missing = f"missing_{uuid4().hex}"
    assert status_and_code(api_2.write_points(" f=", bucket=missing)) == (404, "not found")
    assert status_and_code(api_2.write(b"", bucket=missing)) == (404, "not found")
    assert status_and_code(api_2.write_points(" f=", org=missing)) == (404, "not found")
    with api_2.new_token("read") as reader:
        assert status_and_code(api_2.write_points(" f=", token=reader["token"])) == (403, "forbidden")


def test_a_write_without_an_organization_is_invalid(api_2: InfluxApi) -> None:
    response = api_2.write_points(f" f=1 {TIME_NS}", org="")
    assert status_and_code(response) == (400, "invalid")
    assert message(response) == "Please provide either orgID or org"
