"""The schedule of the sweep."""

import json
from collections.abc import Callable

import pytest

from infra_cdk.config import loader_config
from shared.errors import SettingsError
from tests.infra.conftest import REQUIRED, Assembly
from tests.infra.test_monitoring import alarms
from tests.infra.test_permissions import flat


def test_a_sweep_starts_every_fifteen_minutes_and_tolerates_every_failure(variants: Callable[[str], Assembly]) -> None:
    assembly = variants("all_existing")
    [schedule] = assembly.properties("Scheduler::Schedule").values()
    assert (schedule["ScheduleExpression"], schedule["State"]) == ("rate(15 minutes)", "ENABLED")
    assert schedule["Target"]["Arn"] == {"Ref": assembly.machine_id("Backfill")}
    assert schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 0
    event = json.loads(flat(schedule["Target"]["Input"]))
    expected = {"sweep": True, "bucket": "lake", "prefix": "processed/", "tolerated_failure_percentage": 100}
    assert event == expected


def test_zero_minutes_switch_the_sweep_off_and_with_it_the_alarms_on_its_metrics(
    variants: Callable[[str], Assembly],
) -> None:
    assembly = variants("with_a_database")
    assert assembly.properties("Scheduler::Schedule") == {}
    assert not {"Backlog", "NothingLoaded"} & alarms(assembly).keys()


def test_a_start_of_the_sweep_that_is_not_a_time_is_refused() -> None:
    with pytest.raises(SettingsError, match="SWEEP_SINCE is 'last year': use a time"):
        loader_config({**REQUIRED, "sweep_since": "last year"})
