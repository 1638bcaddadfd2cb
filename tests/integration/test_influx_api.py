"""The contract of InfluxDB's API that the loader relies on: the same for the local gateway and for INFLUXDB_URL.

Tests of `api_2` are skipped on other servers than InfluxDB 2, which accept less or create what is missing.
"""

import gzip
import re
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import pytest
from requests import Response

from local.influxdb.server import InfluxTarget
from tests.support.influx_api import TIME_NS, InfluxApi

TIME_S = 1_700_000_000


@pytest.fixture
def api(influx_server: InfluxTarget) -> Iterator[InfluxApi]:
    api = InfluxApi(influx_server)
    yield api
    api.query(f'DROP MEASUREMENT "{api.series}"')


@pytest.fixture
def api_2(api: InfluxApi) -> InfluxApi:
    """Skip the test if the server is not InfluxDB 2."""
    if not api.version.startswith("v2"):
        pytest.skip(f"InfluxDB 2 answers like this; the server is {api.version or 'another'}")
    return api


def status_and_code(response: Response) -> tuple[int, str]:
    """Return status and code; the message must not be empty, and the header must repeat the code."""
    assert response.json()["message"]
    assert response.headers["X-Platform-Error-Code"] == response.json()["code"]
    return response.status_code, response.json()["code"]


def message(response: Response) -> str:
    return str(response.json()["message"])


def test_ping_answers_with_the_version(api: InfluxApi) -> None:
    assert api.get("/ping").status_code == 204
    assert api.version


def test_health_passes(api_2: InfluxApi) -> None:
    health = api_2.get("/health")
    assert health.status_code == 200
    assert (health.json()["name"], health.json()["status"]) == ("influxdb", "pass")
    assert health.json()["version"]


def test_points_read_back(api: InfluxApi) -> None:
    written = api.write_points(
        rf",region=north\ east,line\=id=a\,b power_mw=1.5,flow_mw=-2e-3 {TIME_NS}",
        rf",region=norte\=ção power_mw=3 {TIME_NS + 1}",
    )
    assert (written.status_code, written.content) == (204, b"")
    assert api.stored_rows() == [
        [TIME_NS, -2e-3, "a,b", 1.5, "north east"],
        [TIME_NS + 1, None, None, 3, "norte=ção"],
    ]


@pytest.mark.parametrize(("precision", "per_second"), [("ns", 10**9), ("us", 10**6), ("ms", 10**3), ("s", 1)])
def test_times_are_read_in_their_precision(api: InfluxApi, precision: str, per_second: int) -> None:
    assert api.write_points(f" f=1 {TIME_S * per_second}", precision=precision).status_code == 204
    assert api.stored_rows() == [[TIME_S * 10**9, 1]]


def test_an_unknown_precision_is_rejected(api_2: InfluxApi) -> None:
    assert status_and_code(api_2.write_points(f" f=1 {TIME_NS}", precision="u")) == (400, "invalid")
    assert api_2.stored_rows() == []


def test_a_gzipped_body_is_unpacked(api: InfluxApi) -> None:
    body = gzip.compress(f"{api.series} f=1 {TIME_NS}".encode())
    assert api.write(body, encoding="gzip").status_code == 204
    assert api.stored_rows() == [[TIME_NS, 1]]


def test_an_empty_body_writes_nothing(api_2: InfluxApi) -> None:
    assert api_2.write(b"").status_code == 204


def test_a_point_written_twice_is_one_point(api: InfluxApi) -> None:
    for _ in range(2):
        assert api.write_points(f",tag=a f=1,g=2 {TIME_NS}").status_code == 204
    assert api.stored_rows() == [[TIME_NS, 1, 2, "a"]]


def test_fields_of_one_point_are_united(api: InfluxApi) -> None:
    for point in (f" f=1,g=2 {TIME_NS}", f" f=3 {TIME_NS}"):
        assert api.write_points(point).status_code == 204
    assert api.stored_rows() == [[TIME_NS, 3, 2]]


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        " ",
        " f=",
        " f=NaN",
        " f=inf",
        " f=1.2.3",
        " f=+1",
        " f=1 soon",
        " f=1 9223372036854775807",
        " f=1\r",
        ' f="open',
        ",tag= f=1",
        ",tag f=1",
        ",tag=a,tag=b f=1",
        ",tag=a=b f=1",
        ",tag=a\\ f=1",
    ],
)
def test_one_malformed_line_rejects_the_whole_body(api_2: InfluxApi, malformed: str) -> None:
    response = api_2.write_points(f" f=1 {TIME_NS}", malformed, f" f=2 {TIME_NS + 1}")
    assert status_and_code(response) == (400, "invalid")
    assert api_2.stored_rows() == []


@pytest.mark.parametrize(
    "well_formed",
    [
        ',tag="a f=1',
        ",tag=a\\b f=1",
        ",tag=ação f=1",
        " f=1",
        " f=.5",
        " f=5.",
        " f=1e-3",
        " f=1i",
        " f=t",
        ' f="a\n b"',
    ],
)
def test_unusual_lines_are_written(api: InfluxApi, well_formed: str) -> None:
    assert api.write_points(f" g=1 {TIME_NS}", f"{well_formed} {TIME_NS + 1}", f" g=2 {TIME_NS + 2}").status_code == 204
    assert [row[0] for row in api.stored_rows()] == [TIME_NS, TIME_NS + 1, TIME_NS + 2]


def test_comments_and_empty_lines_are_no_points(api: InfluxApi) -> None:
    assert api.write(f"# first\n\n{api.series} f=1 {TIME_NS}\n\n".encode()).status_code == 204
    assert api.stored_rows() == [[TIME_NS, 1]]


def test_a_field_of_another_type_is_dropped_and_the_rest_written(api_2: InfluxApi) -> None:
    assert api_2.write_points(f" f=1 {TIME_NS}").status_code == 204
    response = api_2.write_points(f" f=2i {TIME_NS + 1}", f" f=3 {TIME_NS + 2}")
    assert status_and_code(response) == (422, "unprocessable entity")
    assert "field type conflict" in response.json()["message"]
    assert "dropped=1" in response.json()["message"]
    assert api_2.stored_rows() == [[TIME_NS, 1], [TIME_NS + 2, 3]]


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


def test_a_bucket_that_is_missing_is_not_found_by_its_name(api_2: InfluxApi) -> None:
    reply = api_2.get("/api/v2/buckets", org=api_2.influx.org, name=f"missing_{uuid4().hex}")
    assert status_and_code(reply) == (404, "not found")


def test_a_wrong_token_finds_no_bucket(api_2: InfluxApi) -> None:
    assert status_and_code(api_2.get("/api/v2/buckets", token="wrong", name=api_2.influx.bucket)) == (
        401,
        "unauthorized",
    )


def test_query_results_come_as_csv_where_asked_for(api: InfluxApi) -> None:
    api.write_points(f" f=1.25 {TIME_NS}")
    reply = api.query(f'SELECT f FROM "{api.series}"', accept="application/csv")  # noqa: S608
    assert reply.text.splitlines() == ["name,tags,time,f", f"{api.series},,{TIME_NS},1.25"]


def test_csv_has_the_media_type_of_influxdb_2(api_2: InfluxApi) -> None:
    reply = api_2.query("SHOW MEASUREMENTS", accept="application/csv")
    assert reply.headers["Content-Type"].startswith("application/csv")


def test_a_query_without_a_statement_is_invalid(api_2: InfluxApi) -> None:
    assert status_and_code(api_2.get("/query", db=api_2.influx.bucket)) == (400, "invalid")


RETENTION = re.compile(
    r"failure writing points to database: partial write: dropped (\d+) points outside retention policy of duration "
    r"1h0m0s - oldest point (\S+) at (\S+Z) dropped because it violates a Retention Policy Lower Bound at (\S+Z), "
    r"newest point (\S+) at (\S+Z) dropped because it violates a Retention Policy Lower Bound at \4 "
    r"dropped=\1 for database: ([0-9a-f]{16}) for retention policy: autogen"
)


def test_points_older_than_the_retention_period_are_rejected_and_the_others_written(api_2: InfluxApi) -> None:
    now_ns = time.time_ns()
    with api_2.new_bucket(retention_s=3600) as bucket:
        response = api_2.write_points(
            ",b=2,a=1 f=1 1500000000000000000", " f=2 1600000000500000000", f" f=3 {now_ns}", bucket=bucket["name"]
        )
        assert status_and_code(response) == (422, "unprocessable entity")
        assert [row[:2] for row in api_2.stored_rows(bucket["name"])] == [[now_ns, 3]]
        match = RETENTION.fullmatch(message(response))
        assert match, message(response)
        count, oldest, oldest_time, _, newest, newest_time, bucket_id = match.groups()
        assert (count, bucket_id) == ("2", bucket["id"])
        assert (oldest, oldest_time) == (f"{api_2.series},a=1,b=2", "2017-07-14T02:40:00Z")
        assert (newest, newest_time) == (api_2.series, "2020-09-13T12:26:40.5Z")


def test_an_old_point_is_written_beside_a_newer_one_of_its_shard_group(api_2: InfluxApi) -> None:
    with api_2.new_bucket(retention_s=3600) as bucket:
        group_ns = bucket["retentionRules"][0]["shardGroupDurationSeconds"] * 10**9
        oldest_ns = time.time_ns() - 3600 * 10**9
        end_ns = (oldest_ns // group_ns + 1) * group_ns
        if end_ns - oldest_ns < 5 * 10**9:  # the shard group ends before the request arrives
            time.sleep(5)
            oldest_ns, end_ns = oldest_ns + 5 * 10**9, end_ns + group_ns
        old, newer = f" f=1 {oldest_ns - 1}", f" f=2 {end_ns - 1}"
        assert status_and_code(api_2.write_points(old, bucket=bucket["name"])) == (422, "unprocessable entity")
        assert api_2.write_points(old, newer, bucket=bucket["name"]).status_code == 204
        assert [row[1] for row in api_2.stored_rows(bucket["name"])] == [1, 2]


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


@pytest.mark.parametrize("key", ["time", "_field", "_measurement", "\0"])
def test_reserved_tag_keys_reject_the_whole_body(api_2: InfluxApi, key: str) -> None:
    response = api_2.write_points(f" f=1 {TIME_NS}", f",a=b,{key}=c f=1 {TIME_NS}")
    quoted = key.replace("\0", "\\x00")
    assert status_and_code(response) == (400, "invalid")
    assert message(response).endswith(f'f=1 {TIME_NS}\': cannot use reserved tag key "{quoted}"')
    assert api_2.stored_rows() == []


LONG = "k" * 65_536


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (" f=1e400", "invalid float"),
        (" f=-1e309", "invalid float"),
        (f" f={2**63}i", "value out of range"),
        (f" f=-{2**63 + 1}i", "value out of range"),
        (f" {LONG}=1", "max key length exceeded"),
        (f",tag={LONG} f=1", "max key length exceeded"),
        (f" f=1 {2**63}", "value out of range"),
        (f" f=1 {2**63 - 1}", "time outside range -9223372036854775806 - 9223372036854775806"),
    ],
    ids=["1e400", "-1e309", "2^63", "-2^63-1", "field_key", "series_key", "time_2^63", "time_2^63-1"],
)
def test_what_is_out_of_range_rejects_the_whole_body(api_2: InfluxApi, line: str, reason: str) -> None:
    response = api_2.write_points(f" f=1 {TIME_NS}", line)
    assert status_and_code(response) == (400, "invalid")
    assert reason in message(response)
    assert api_2.stored_rows() == []


def test_an_unsigned_integer_is_written_and_conflicts_with_a_float(api_2: InfluxApi) -> None:
    assert api_2.write_points(f" f=1u {TIME_NS}", f' g=2,s="a=1u" {TIME_NS + 1}').status_code == 204
    assert api_2.stored_rows() == [[TIME_NS, 1, None, None], [TIME_NS + 1, None, 2, "a=1u"]]
    response = api_2.write_points(f" g=1u {TIME_NS}")
    assert status_and_code(response) == (422, "unprocessable entity")
    assert "is type unsigned, already exists as type float" in message(response)


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


def test_a_chunked_body_is_written(api: InfluxApi) -> None:
    lines = [f"{api.series} f=1 {TIME_NS}\n".encode(), f"{api.series} f=2 {TIME_NS + 1}\n".encode()]
    assert api.write(iter(lines)).status_code == 204
    assert [row[1] for row in api.stored_rows()] == [1, 2]


def test_several_gzip_members_are_one_body(api: InfluxApi) -> None:
    members = [gzip.compress(f"{api.series} f={number} {TIME_NS + number}\n".encode()) for number in range(3)]
    assert api.write(b"".join(members), encoding="gzip").status_code == 204
    assert [row[1] for row in api.stored_rows()] == [0, 1, 2]


def test_a_damaged_gzip_body_is_rejected(api_2: InfluxApi) -> None:
    body = gzip.compress(f"{api_2.series} f=1 {TIME_NS}".encode())
    checksum = api_2.write(body[:-8] + bytes(4) + body[-4:], encoding="gzip")
    assert (status_and_code(checksum), message(checksum)) == (
        (400, "invalid"),
        "unable to read data: gzip: invalid checksum",
    )
    truncated = api_2.write(body[:-12], encoding="gzip")
    expected = ((500, "internal error"), "unable to read data: unexpected EOF")
    assert (status_and_code(truncated), message(truncated)) == expected
    assert status_and_code(api_2.write(b"this is not gzip", encoding="gzip")) == (500, "internal error")
    assert api_2.stored_rows() == []


def test_the_first_of_two_precisions_counts(api_2: InfluxApi) -> None:
    target = [("org", api_2.influx.org), ("bucket", api_2.influx.bucket), ("precision", "s"), ("precision", "ns")]
    body = f"{api_2.series} f=1 {TIME_S}"
    assert api_2.request("POST", "/api/v2/write", params=target, data=body).status_code == 204
    assert api_2.stored_rows() == [[TIME_S * 10**9, 1]]


def test_another_method_is_not_allowed(api_2: InfluxApi) -> None:
    response = api_2.get("/api/v2/write", org=api_2.influx.org, bucket=api_2.influx.bucket)
    assert status_and_code(response) == (405, "method not allowed")
    assert (response.headers["Allow"], message(response)) == ("OPTIONS, POST", "allow: OPTIONS, POST")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "missing fields"),
        (" f", "invalid field format"),
        (" f=1,g", "invalid field format"),
        (" f=", "missing field value"),
        (" =1", "missing field key"),
        (",=a f=1", "missing tag key"),
        (",tag= f=1", "missing tag value"),
        (",tag=a=b f=1", "invalid tag format"),
        (",tag=a,tag=b f=1", "duplicate tags"),
        (" f=1.2.3", "invalid number"),
        (" f=NaN", "invalid number"),
        (" f=yes", "invalid boolean"),
        (" f=1 soon", "bad timestamp"),
        (' f="open', "unbalanced quotes"),
        (" f=1 1 1", "point is invalid"),
    ],
)
def test_a_malformed_line_has_the_parsers_reason(api_2: InfluxApi, line: str, reason: str) -> None:
    response = api_2.write_points(f" f=1 {TIME_NS}", line)
    assert status_and_code(response) == (400, "invalid")
    assert message(response) == f"unable to parse '{api_2.series}{line}': {reason}"


def test_every_malformed_line_has_its_reason(api_2: InfluxApi) -> None:
    assert message(api_2.write(b"m f=1.2.3 1\nm f=1\n,a=b f=1\nm,time=a f=1 1\nm f=yes")).splitlines() == [
        "unable to parse 'm f=1.2.3 1': invalid number",
        "unable to parse ',a=b f=1': missing measurement",
        "unable to parse 'm,time=a f=1 1': cannot use reserved tag key \"time\"",
        "unable to parse 'm f=yes': invalid boolean",
    ]


def test_a_field_called_time_is_not_stored(api_2: InfluxApi) -> None:
    assert api_2.write_points(f" time=1,f=2 {TIME_NS}").status_code == 204
    assert api_2.stored_rows() == [[TIME_NS, 2]]
