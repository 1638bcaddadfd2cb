"""Throttling never fails a load: the simulation with the deployed retriers, and the limit of the history."""

from datetime import UTC, datetime
from functools import cache

import pytest

from benchmarks.bursts import Burst, Outcome, simulate
from benchmarks.retriers import (
    EVENTS_OF_STATE,
    EVENTS_OF_WAIT,
    MAX_CHUNKS,
    MAX_EVENTS,
    MAX_PARTS,
    Definition,
    Retrier,
    events_without_retries,
    mean_pause_s,
    most_events,
    retrier,
)
from benchmarks.throttling import BURSTS, EARLIER, WAITS, history_section, row
from functions.convert_and_chunk import chunks
from infra_cdk.archives import ROOT
from shared.errors import InfluxUnavailableError
from shared.outages import NO_OUTAGE, extend_outage
from state_machine.definition import definition
from state_machine.settings import MachineSettings
from tests.infra.conftest import Assembly

LANES = 2


def test_chunks_have_the_size_for_the_lanes_that_write_them() -> None:
    assert LANES == chunks.LANES == MachineSettings().write_concurrency


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
    assert (MAX_PARTS, MAX_CHUNKS) == (40, 200)
    assert most_events(assembly.definition) < MAX_EVENTS


@pytest.mark.parametrize(
    "settings",
    [
        MachineSettings(write_concurrency=4, convert_throttled_attempts=200),
        MachineSettings(throttled_backoff_seconds=2),
        MachineSettings(write_concurrency=4, convert_concurrency=20),
        MachineSettings(write_concurrency=8),
        MachineSettings(timeout_hours=12),
    ],
)
def test_settings_that_could_fill_the_history_are_noticed(settings: MachineSettings) -> None:
    assert most_events(definition(settings)) > MAX_EVENTS


def test_the_worst_case_of_a_load_is_its_attempts_if_time_does_not_limit_it(assembly: Assembly) -> None:
    """One part that is converted twice: 75 retries and 18, each with three events."""
    alone = most_events(assembly.definition, parts=1, chunks=0)
    without_work = most_events(assembly.definition | {"TimeoutSeconds": 0}, parts=1, chunks=0)
    assert alone - without_work == 3 * (75 + 18)


def test_the_largest_load_with_500_waits_leaves_a_third_of_the_history(assembly: Assembly) -> None:
    assert WAITS == 500
    base = events_without_retries(assembly.definition, MAX_PARTS, MAX_CHUNKS)
    assert base + WAITS * EVENTS_OF_WAIT < MAX_EVENTS * 2 / 3


def test_a_wait_has_as_many_events_as_its_states(assembly: Assembly) -> None:
    states = assembly.definition["States"]["WriteChunks"]["ItemProcessor"]["States"]
    others = [state for name, state in states.items() if name != "WriteBatch"]
    assert EVENTS_OF_STATE["Task"] + sum(EVENTS_OF_STATE.get(state["Type"], 2) for state in others) == EVENTS_OF_WAIT


def test_pauses_have_the_lengths_of_the_model() -> None:
    def pauses(waits: int) -> list[float]:
        now, error = datetime(2024, 1, 1, tzinfo=UTC), InfluxUnavailableError("down")
        outages = (extend_outage({**NO_OUTAGE, "waits": waits}, error, patience_s=3600, now=now) for _ in range(2000))
        return [(datetime.fromisoformat(outage["not_before"]) - now).total_seconds() for outage in outages]

    for waits in (0, 1, 3, 10):
        lengths = pauses(waits)
        assert sum(lengths) / len(lengths) == pytest.approx(mean_pause_s(waits) + 0.5, rel=0.03)
        assert max(lengths) <= min(20 * 2**waits, 300) + 1


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
    burst = Burst(files=3, chunks=10, slots=6, chunk_s=2, arrival_s=0)
    assert simulate(burst, assembly.definition) == Outcome(failed=0, last_s=10, retries=[0, 0, 0])


def test_the_page_is_of_today(assembly: Assembly) -> None:
    page = (ROOT / "docs" / "throttling.md").read_text()
    parts = [history_section(assembly.definition), *(row(b, earlier(), assembly.definition) for b in BURSTS[:2])]
    assert [part for part in parts if part not in page] == [], "make throttling writes the page"
