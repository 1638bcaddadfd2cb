"""`loader verify`: what a load sent, against an InfluxDB in which points are changed and removed."""

import json
import re
from typing import Any

from tests.functional.conftest import SOURCE
from tests.support.command_line import run_loader
from tests.support.finished_load import StoringInflux


def test_an_untouched_load_is_equal_also_where_points_were_rejected(load: Any) -> None:
    result = run_loader("verify", load["load_id"])
    assert (result.exit_code, result.stdout[:6]) == (0, "equal ")
    assert result.stdout.startswith("equal  47 values in ")
    assert "with differences" not in result.stdout


def test_a_changed_and_a_missing_value_are_described_with_what_to_do(load: Any, database: StoringInflux) -> None:
    first, second, *_ = sorted(database.points, key=lambda point: point[1])
    database.points[first] = {"power_mw": 99.5}
    del database.points[second]
    result = run_loader("verify", load["load_id"])
    assert (result.exit_code, result.stdout.startswith("differs  47 values in ")) == (1, True)
    assert re.match(r".* windows?; [12] windows? with differences\n", result.stdout)
    assert f"power_mw at {first[1]}: 0.0 was sent, is now 99.5" in result.stdout
    assert f"power_mw at {second[1]}: 1.0 was sent, is missing" in result.stdout
    assert f"To write them again, run `loader load s3://{SOURCE}/{load['key']} --force`." in result.stdout


def test_for_programs_each_window_counts_what_differs(load: Any, database: StoringInflux) -> None:
    first, *_ = sorted(database.points, key=lambda point: point[1])
    del database.points[first]
    windows = json.loads(run_loader("verify", load["load_id"], "--json").stdout)
    assert list(windows[0]) == [
        "first_ns",
        "end_ns",
        "sent",
        "found",
        "sent_hash",
        "found_hash",
        "missing",
        "changed",
        "differences",
        "equal",
    ]
    differing = [window for window in windows if not window["equal"]]
    assert [(window["missing"], window["changed"]) for window in differing] == [(1, 0)]
    assert differing[0]["first_ns"] <= first[1] < differing[0]["end_ns"]
    assert sum(window["sent"] for window in windows) == 47
