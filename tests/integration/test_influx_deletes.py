"""The contract of InfluxDB's delete API: the same for the local gateway and for INFLUXDB_URL.

The last tests are about the gateway alone, which can take as long as 2.7.12 does.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.influxdb.server import LocalInfluxdb
from tests.support.influx_api import InfluxApi, message, status_and_code

SECOND = 10**9
WEEK = 7 * 86_400
START = "2023-11-14T00:00:00Z"
STOP = "2023-11-15T00:00:00Z"
TIME_S = 1_699_963_200  # noon of that day


@pytest.fixture
def points(api_2: InfluxApi) -> InfluxApi:
    """Five series, of which three have tags that are a subset of those of another one, with one point each."""
    tags = ("", ",a=x", ",a=x,b=y", ",a=x,b=y,c=z", """,a=it's\\ "q"\\,\\=ção""")
    lines = (f"{each} f={number} {(TIME_S + number) * SECOND}" for number, each in enumerate(tags))
    assert api_2.write_points(*lines).status_code == 204
    return api_2


def delete(api: InfluxApi, predicate: str = "", **other: Any) -> requests.Response:
    content = {"start": START, "stop": STOP, "predicate": f'_measurement="{api.series}"{predicate}', **other}
    target = {"org": api.influx.org, "bucket": api.influx.bucket}
    return api.request("POST", "/api/v2/delete", params=target, json=content)


def values(api: InfluxApi) -> list[object]:
    (result,) = api.query(f'SELECT f FROM "{api.series}"').json()["results"]  # noqa: S608
    return [value for _, value in result["series"][0]["values"]] if "series" in result else []


@pytest.mark.parametrize(
    ("predicate", "left"),
    [
        ("", []),
        (' AND a="x"', [0, 4]),
        (' AND a="x" AND b="y"', [0, 1, 4]),
        (' and a=x AND "b"=y', [0, 1, 4]),
        (' AND a="x" AND b!="y"', [0, 1, 2, 3, 4]),
        (' AND a!="x"', [0, 1, 2, 3]),
        (' AND b=""', [0, 1, 2, 3, 4]),
        (' AND d="x"', [0, 1, 2, 3, 4]),
        (r""" AND a="it's \"q\",=ção" """, [0, 1, 2, 3]),
    ],
)
def test_a_predicate_names_values_of_tags(points: InfluxApi, predicate: str, left: list[object]) -> None:
    response = delete(points, predicate)
    assert (response.status_code, response.content) == (204, b"")
    assert values(points) == left


def test_both_ends_of_a_range_are_included(points: InfluxApi) -> None:
    second, third = (f"2023-11-14T12:00:0{number}.000000000Z" for number in (1, 3))
    assert delete(points, start=second, stop=third).status_code == 204
    assert values(points) == [0, 4]


def test_a_range_is_exact_to_the_nanosecond(points: InfluxApi) -> None:
    just_after, just_before = "2023-11-14T12:00:01.000000001Z", "2023-11-14T12:00:02.999999999Z"
    assert delete(points, start=just_after, stop=just_before).status_code == 204
    assert values(points) == [0, 1, 3, 4]


def test_a_range_that_ends_before_it_starts_deletes_nothing(points: InfluxApi) -> None:
    assert delete(points, start=STOP, stop=START).status_code == 204
    assert values(points) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("predicate", "reason"),
    [
        (' AND a="x" OR a="y"', "the logical operator OR is not supported yet"),
        (" AND a=~/x/", "is not supported yet"),
        (" AND a='x'", ""),
        (" AND a", ""),
    ],
)
def test_what_the_api_does_not_know_is_invalid(points: InfluxApi, predicate: str, reason: str) -> None:
    response = delete(points, predicate)
    assert status_and_code(response) == (400, "invalid")
    assert reason in message(response)
    assert values(points) == [0, 1, 2, 3, 4]


def test_a_field_cannot_be_deleted_alone(points: InfluxApi) -> None:
    response = delete(points, ' AND _field="f"')
    assert (response.status_code, message(response)) == (501, "delete by field is not supported")
    assert values(points) == [0, 1, 2, 3, 4]


def test_a_bare_date_is_invalid(points: InfluxApi) -> None:
    assert status_and_code(delete(points, start="2023-11-14")) == (400, "invalid")
    assert values(points) == [0, 1, 2, 3, 4]


def test_a_deleted_point_can_be_written_again(points: InfluxApi) -> None:
    delete(points)
    assert points.write_points(f",a=x f=9 {(TIME_S + 1) * SECOND}").status_code == 204
    assert values(points) == [9]


def test_a_token_that_may_not_write_cannot_delete(points: InfluxApi) -> None:
    target = {"org": points.influx.org, "bucket": points.influx.bucket}
    content = {"start": START, "stop": STOP, "predicate": f'_measurement="{points.series}"'}
    with points.new_token("read") as reader:
        response = points.request("POST", "/api/v2/delete", params=target, json=content, token=reader["token"])
        assert status_and_code(response) == (403, "forbidden")
    with points.new_token("write") as writer:
        assert values(points) == [0, 1, 2, 3, 4]
        response = points.request("POST", "/api/v2/delete", params=target, json=content, token=writer["token"])
        assert response.status_code == 204
    assert values(points) == []


@pytest.fixture(scope="module")
def slow_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxApi]:
    """A gateway that takes 50 times as long as InfluxDB, with points in eight shards."""
    with LocalInfluxdb(tmp_path_factory.mktemp("influxdb"), delete_pace=50) as influxdb:
        api = InfluxApi(influxdb.target)
        api.write_points(*(f" f={week} {(TIME_S + week * WEEK) * SECOND}" for week in range(8)))
        yield api


def test_a_delete_takes_time_for_each_shard_whatever_its_range(slow_api: InfluxApi) -> None:
    started = time.monotonic()
    assert delete(slow_api, ' AND a="x"').status_code == 204
    assert time.monotonic() - started >= 8 * 50 * 0.002
    assert len(values(slow_api)) == 8


def test_a_delete_whose_client_goes_away_is_cut_short(slow_api: InfluxApi) -> None:
    target = {"org": slow_api.influx.org, "bucket": slow_api.influx.bucket}
    content = {"start": "1970-01-01T00:00:00Z", "stop": "2100-01-01T00:00:00Z"}
    headers = slow_api.authorization(None)
    with pytest.raises(requests.Timeout):
        requests.post(f"{slow_api.influx.url}/api/v2/delete", params=target, json=content, headers=headers, timeout=0.3)
    time.sleep(1)
    assert 0 < len(values(slow_api)) < 8
