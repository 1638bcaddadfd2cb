"""The first points of a load: those that it sent, with what InfluxDB stores for them."""

from typing import Any

import pytest

from cli.deployed.names import find_report
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, QueryError
from cli.first_points import first_points
from shared.settings import STACK_NAME
from tests.support.finished_load import StoringInflux
from tests.support.scripted_aws import ScriptedAws


def first_of(load: Any, limit: int) -> list[Any]:
    deployment = Deployment(STACK_NAME)
    return first_points(deployment, find_report(deployment, load["load_id"]), limit)


def test_they_are_what_is_stored_in_order_of_time(load: Any, database: StoringInflux) -> None:
    points = first_of(load, 5)
    expected = sorted((time, values) for (_, time), values in database.points.items())[:5]
    assert [(point.time_ns, point.fields) for point in points] == expected
    assert points[0].tags["region"] == "SE"


def test_rejected_points_and_those_of_other_loads_are_not_among_them(load: Any, database: StoringInflux) -> None:
    series, time = min(database.points, key=lambda point: point[1])
    database.points[series.replace("SE", "N"), time + 1] = {"power_mw": 7.0}
    points = first_of(load, 10_000)
    assert len(points) == 47
    assert {point.tags["region"] for point in points} == {"SE"}


def test_a_point_that_was_deleted_since_has_no_fields(load: Any, database: StoringInflux) -> None:
    first = min(database.points, key=lambda point: point[1])
    del database.points[first]
    points = first_of(load, 2)
    assert (points[0].time_ns, points[0].fields) == (first[1], {})
    assert points[1].fields


def test_a_load_without_points_and_an_influxdb_without_settings_say_so(aws: ScriptedAws, load: Any) -> None:
    deployment = Deployment(STACK_NAME)
    report = find_report(deployment, load["load_id"])
    report.content["file"] = None
    with pytest.raises(NotFoundError, match="this load sent no points"):
        first_points(deployment, report, 1)
    aws.environments["write"] = {}
    with pytest.raises(QueryError, match=r"cannot read points back: .*INFLUXDB_URL"):
        first_of(load, 1)
