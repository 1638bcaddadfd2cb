"""The contract of InfluxDB's API that the loader relies on, the same for the local gateway and for INFLUXDB_URL.

This file has what can be written and read; test_influx_rejections.py and test_influx_permissions.py have the errors.
Tests of `api_2` are skipped on other servers than InfluxDB 2, which accept less or create what is missing.
"""

import gzip

import pytest

from tests.support.influx_api import TIME_NS, InfluxApi, message, status_and_code

TIME_S = 1_700_000_000


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
        " f=1,h=5e-300",
        " f=1,h=9223372036854775807i",
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


def test_query_results_come_as_csv_where_asked_for(api: InfluxApi) -> None:
    api.write_points(f" f=1.25 {TIME_NS}")
    reply = api.query(f'SELECT f FROM "{api.series}"', accept="application/csv")  # noqa: S608
    assert reply.text.splitlines() == ["name,tags,time,f", f"{api.series},,{TIME_NS},1.25"]


def test_csv_has_the_media_type_of_influxdb_2(api_2: InfluxApi) -> None:
    reply = api_2.query("SHOW MEASUREMENTS", accept="application/csv")
    assert reply.headers["Content-Type"].startswith("application/csv")


def test_a_query_without_a_statement_is_invalid(api_2: InfluxApi) -> None:
    assert status_and_code(api_2.get("/query", db=api_2.influx.bucket)) == (400, "invalid")


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
