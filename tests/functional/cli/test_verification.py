"""The verification of one load: which windows it compares, and what it reads of them."""

from collections.abc import Callable
from typing import Any

import pytest

from cli.deployed.names import find_report
from cli.deployed.stack import Deployment
from cli.errors import QueryError
from cli.verification import Verifier
from shared.settings import STACK_NAME
from tests.support.finished_load import StoringInflux
from tests.support.scripted_aws import ScriptedAws


def no_progress(description: str, total: int) -> Callable[[int], None]:
    return lambda _: None


def test_all_windows_are_compared_unless_a_sample_is_wanted(load: Any, database: StoringInflux) -> None:
    deployment = Deployment(STACK_NAME)
    report = find_report(deployment, load["load_id"])
    everything = Verifier(deployment).verify(report, None, no_progress)
    assert (sum(window.sent for window in everything.windows), everything.differing) == (47, [])
    assert everything.windows_total == len(everything.windows)
    sample = Verifier(deployment).verify(report, 3, no_progress)
    assert len(sample.windows) in (2, 3)  # one of the 48 windows holds nothing but the rejected point
    assert sample.windows_total == everything.windows_total + 1


def test_a_removed_point_makes_its_window_differ_and_no_other(load: Any, database: StoringInflux) -> None:
    del database.points[min(database.points, key=lambda point: point[1])]
    deployment = Deployment(STACK_NAME)
    verification = Verifier(deployment).verify(find_report(deployment, load["load_id"]), None, no_progress)
    assert [window.missing for window in verification.differing] == [1]
    assert verification.differing == [min(verification.windows, key=lambda window: window.first_ns)]


def test_without_the_settings_of_influxdb_nothing_is_verified(aws: ScriptedAws) -> None:
    with pytest.raises(QueryError, match=r"cannot read points back: .*INFLUXDB_URL"):
        Verifier(Deployment(STACK_NAME))
