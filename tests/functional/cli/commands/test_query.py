"""`loader query` shows the first points of a load."""

import json
from typing import Any

from tests.support.command_line import TERMINAL, run_loader
from tests.support.finished_load import StoringInflux


def test_the_first_points_are_a_table_with_a_column_for_each_tag_and_field(load: Any) -> None:
    lines = run_loader("query", load["load_id"][:8], "--limit", "3", **TERMINAL).stdout.splitlines()
    assert lines[0].split()[:4] == ["time", "energy_source", "measurement_type", "region"]
    assert "power_mw" in lines[0].split()
    assert [line[:20] for line in lines[1:]] == [f"2024-01-01T0{hour}:00:00Z" for hour in range(3)]


def test_on_a_narrow_terminal_each_point_is_one_line(load: Any) -> None:
    lines = run_loader("query", load["load_id"], "--limit", "3", **TERMINAL | {"COLUMNS": "70"}).stdout.splitlines()
    assert (len(lines), max(map(len, lines))) == (4, 70)


def test_as_json_each_point_has_its_tags_and_fields(load: Any, database: StoringInflux) -> None:
    points = json.loads(run_loader("query", load["load_id"], "--json").stdout)
    assert len(points) == 10
    assert points[0]["fields"] == min(database.points.items(), key=lambda point: point[0][1])[1]
    assert (points[0]["time"], points[0]["tags"]["region"]) == ("2024-01-01T00:00:00Z", "SE")


def test_points_that_are_not_stored_any_more_are_counted(load: Any, database: StoringInflux) -> None:
    database.points.clear()
    result = run_loader("query", load["load_id"], "--limit", "1")
    assert (result.exit_code, "1 point of these is not stored any more" in result.stdout) == (0, True)
