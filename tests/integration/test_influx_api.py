"""The contract of InfluxDB's API that the loader relies on: the same for our gateway and for `INFLUXDB_URL`."""

import gzip
from collections.abc import Iterator
from uuid import uuid4

import pytest
from requests import Response

from local.influxdb.server import InfluxTarget
from tests.support.influx_api import TIME_NS, Api

TIME_S = 1_700_000_000


@pytest.fixture
def api(influx_server: InfluxTarget) -> Iterator[Api]:
    api = Api(influx_server)
    yield api
    api.query(f'DROP MEASUREMENT "{api.series}"')


@pytest.fixture
def api_2(api: Api) -> Api:
    """Version 3 accepts less in part, and creates what is missing."""
    if not api.version.startswith("v2"):
        pytest.skip(f"InfluxDB 2 answers so; this is {api.version or 'another'}")
    return api


def refusal(response: Response) -> tuple[int, str]:
    """Status and code; the message must not be empty."""
    assert response.json()["message"]
    return response.status_code, response.json()["code"]


def test_ping_answers_with_the_version(api: Api) -> None:
    assert api.get("/ping").status_code == 204
    assert api.version


def test_health_passes(api_2: Api) -> None:
    health = api_2.get("/health")
    assert health.status_code == 200
    assert (health.json()["name"], health.json()["status"]) == ("influxdb", "pass")
    assert health.json()["version"]


def test_points_read_back(api: Api) -> None:
    written = api.write_points(
        rf",region=north\ east,line\=id=a\,b power_mw=1.5,flow_mw=-2e-3 {TIME_NS}",
        rf",region=norte\=ção power_mw=3 {TIME_NS + 1}",
    )
    assert (written.status_code, written.content) == (204, b"")
    assert api.stored() == [
        [TIME_NS, -2e-3, "a,b", 1.5, "north east"],
        [TIME_NS + 1, None, None, 3, "norte=ção"],
    ]


@pytest.mark.parametrize(("precision", "per_second"), [("ns", 10**9), ("us", 10**6), ("ms", 10**3), ("s", 1)])
def test_times_are_read_in_their_precision(api: Api, precision: str, per_second: int) -> None:
    assert api.write_points(f" f=1 {TIME_S * per_second}", precision=precision).status_code == 204
    assert api.stored() == [[TIME_S * 10**9, 1]]


def test_an_unknown_precision_is_refused(api_2: Api) -> None:
    assert refusal(api_2.write_points(f" f=1 {TIME_NS}", precision="u")) == (400, "invalid")
    assert api_2.stored() == []


def test_a_gzipped_body_is_unpacked(api: Api) -> None:
    body = gzip.compress(f"{api.series} f=1 {TIME_NS}".encode())
    assert api.write(body, encoding="gzip").status_code == 204
    assert api.stored() == [[TIME_NS, 1]]


def test_an_empty_body_writes_nothing(api_2: Api) -> None:
    assert api_2.write(b"").status_code == 204


def test_a_point_written_twice_is_one_point(api: Api) -> None:
    for _ in range(2):
        assert api.write_points(f",tag=a f=1,g=2 {TIME_NS}").status_code == 204
    assert api.stored() == [[TIME_NS, 1, 2, "a"]]


def test_fields_of_one_point_are_united(api: Api) -> None:
    for point in (f" f=1,g=2 {TIME_NS}", f" f=3 {TIME_NS}"):
        assert api.write_points(point).status_code == 204
    assert api.stored() == [[TIME_NS, 3, 2]]


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
def test_one_malformed_line_refuses_the_whole_body(api_2: Api, malformed: str) -> None:
    response = api_2.write_points(f" f=1 {TIME_NS}", malformed, f" f=2 {TIME_NS + 1}")
    assert refusal(response) == (400, "invalid")
    assert api_2.stored() == []


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
def test_unusual_lines_are_written(api: Api, well_formed: str) -> None:
    assert api.write_points(f" g=1 {TIME_NS}", f"{well_formed} {TIME_NS + 1}", f" g=2 {TIME_NS + 2}").status_code == 204
    assert [row[0] for row in api.stored()] == [TIME_NS, TIME_NS + 1, TIME_NS + 2]


def test_comments_and_empty_lines_are_no_points(api: Api) -> None:
    assert api.write(f"# first\n\n{api.series} f=1 {TIME_NS}\n\n".encode()).status_code == 204
    assert api.stored() == [[TIME_NS, 1]]


def test_a_field_of_another_type_is_dropped_and_the_rest_written(api_2: Api) -> None:
    assert api_2.write_points(f" f=1 {TIME_NS}").status_code == 204
    response = api_2.write_points(f" f=2i {TIME_NS + 1}", f" f=3 {TIME_NS + 2}")
    assert refusal(response) == (422, "unprocessable entity")
    assert "field type conflict" in response.json()["message"]
    assert "dropped=1" in response.json()["message"]
    assert api_2.stored() == [[TIME_NS, 1], [TIME_NS + 2, 3]]


def test_a_bucket_that_is_missing_is_not_found(api_2: Api) -> None:
    missing = f"missing_{uuid4().hex}"
    response = api_2.write_points(f" f=1 {TIME_NS}", bucket=missing)
    assert refusal(response) == (404, "not found")
    assert missing in response.json()["message"]


def test_a_wrong_token_is_unauthorized(api: Api) -> None:
    assert api.write_points(f" f=1 {TIME_NS}", token="wrong").status_code == 401
    assert api.get("/query", token="wrong", db=api.influx.bucket, q="SHOW MEASUREMENTS").status_code == 401
    assert api.stored() == []


def test_a_bucket_is_found_by_its_name(api_2: Api) -> None:
    answer = api_2.get("/api/v2/buckets", org=api_2.influx.org, name=api_2.influx.bucket)
    (bucket,) = answer.json()["buckets"]
    assert bucket["name"] == api_2.influx.bucket
    assert all(rule["everySeconds"] >= 0 for rule in bucket["retentionRules"])


def test_a_bucket_that_is_missing_is_not_found_by_its_name(api_2: Api) -> None:
    answer = api_2.get("/api/v2/buckets", org=api_2.influx.org, name=f"missing_{uuid4().hex}")
    assert refusal(answer) == (404, "not found")


def test_a_wrong_token_finds_no_bucket(api_2: Api) -> None:
    assert refusal(api_2.get("/api/v2/buckets", token="wrong", name=api_2.influx.bucket)) == (401, "unauthorized")


def test_query_results_come_as_csv_where_asked_for(api: Api) -> None:
    api.write_points(f" f=1.25 {TIME_NS}")
    answer = api.query(f'SELECT f FROM "{api.series}"', accept="application/csv")  # noqa: S608
    assert answer.text.splitlines() == ["name,tags,time,f", f"{api.series},,{TIME_NS},1.25"]
