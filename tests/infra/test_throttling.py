"""Throttling never fails a load: the simulation with the deployed retriers, and the limit of the history."""

from functools import cache

import pytest

from benchmarks.bursts import Burst, Outcome, simulate
from benchmarks.retriers import MAX_CHUNKS, MAX_EVENTS, MAX_PARTS, Definition, Retrier, most_events, retrier
from benchmarks.throttling import BURSTS, EARLIER, history_section, row
from infra_cdk.archives import ROOT
from state_machine.definition import definition
from state_machine.settings import MachineSettings
from tests.infra.conftest import Assembly

LANES = 4


@cache
def earlier() -> Definition:
    return definition(EARLIER)


@pytest.mark.parametrize("burst", BURSTS)
def test_no_load_of_a_burst_fails_or_takes_a_minute_longer_than_it_must(assembly: Assembly, burst: Burst) -> None:
    outcome = simulate(burst, assembly.definition)
    assert outcome.failed == 0
    assert outcome.last_s - burst.ideal_s(LANES) < 60


@pytest.mark.parametrize(("burst", "share"), [*zip(BURSTS, (0.7, 0.9, 0.15, 0.9), strict=True)])
def test_with_the_retries_of_earlier_releases_loads_failed(burst: Burst, share: float) -> None:
    assert simulate(burst, earlier()).failed > share * burst.files


def test_the_largest_load_stays_below_the_limit_of_the_history(assembly: Assembly) -> None:
    assert (MAX_PARTS, MAX_CHUNKS) == (40, 800)
    assert most_events(assembly.definition) < MAX_EVENTS


@pytest.mark.parametrize(
    "settings",
    [
        MachineSettings(convert_throttled_attempts=100),
        MachineSettings(throttled_backoff_seconds=2),
        MachineSettings(convert_concurrency=20),
        MachineSettings(write_concurrency=8),
        MachineSettings(timeout_hours=12),
    ],
)
def test_settings_that_could_fill_the_history_are_noticed(settings: MachineSettings) -> None:
    assert most_events(definition(settings)) > MAX_EVENTS


def test_the_worst_case_of_a_load_is_its_attempts_if_time_does_not_limit_it(assembly: Assembly) -> None:
    """One part and one chunk: 75 and 200 retries, each with three events."""
    alone = most_events(assembly.definition, parts=1, chunks=1)
    without_work = most_events(assembly.definition | {"TimeoutSeconds": 0}, parts=1, chunks=1)
    assert alone - without_work == 3 * (75 + 200)


def test_the_delays_of_a_retrier_grow_to_their_limit() -> None:
    task = {
        "Retry": [
            {"ErrorEquals": ["Other"], "MaxAttempts": 1},
            {
                "ErrorEquals": ["Lambda.TooManyRequestsException"],
                "IntervalSeconds": 2,
                "BackoffRate": 3,
                "MaxDelaySeconds": 10,
                "MaxAttempts": 5,
                "JitterStrategy": "FULL",
            },
        ]
    }
    assert retrier(task) == Retrier(interval_s=2, rate=3, max_delay_s=10, attempts=5)
    assert [retrier(task).delay_limit_s(retry) for retry in range(4)] == [2, 6, 10, 10]


def test_loads_that_find_enough_concurrency_are_not_throttled(assembly: Assembly) -> None:
    burst = Burst(files=3, chunks=10, slots=12, chunk_s=2, arrival_s=0)
    assert simulate(burst, assembly.definition) == Outcome(failed=0, last_s=6, retries=[0, 0, 0])


def test_the_page_is_of_today(assembly: Assembly) -> None:
    page = (ROOT / "docs" / "throttling.md").read_text()
    parts = [history_section(assembly.definition), *(row(b, earlier(), assembly.definition) for b in BURSTS[:2])]
    assert [part for part in parts if part not in page] == [], "make throttling writes the page"
