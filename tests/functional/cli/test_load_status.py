"""The state of all loads is counted from the entries of the ledger."""

import doctest
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cli import load_status
from cli.deployed.ledger import Entry
from cli.load_status import HOURS, sparkline, summarize

NOW = datetime(2024, 1, 2, 12, tzinfo=UTC)
ENTRY = Entry(
    object="s3://source/dataset=generation/a",
    version_id="v1",
    status="loaded",
    dataset="generation",
    load_id="0123",
    execution="arn",
    claimed_at=None,
    changed_at=NOW,
    lease_until=None,
    input_rows=0,
    points_written=0,
    error="",
    message="",
    report="",
)


def entry(hours_ago: float, **changes: object) -> Entry:
    return replace(ENTRY, changed_at=NOW - timedelta(hours=hours_ago), **changes)  # type: ignore[arg-type]


def test_examples_give_the_results_that_they_show() -> None:
    assert doctest.testmod(load_status).failed == 0


def test_claims_are_running_until_their_lease_ends() -> None:
    lease = {"status": "claimed", "lease_until": NOW + timedelta(hours=1)}
    old, new = entry(2, **lease), entry(1, **lease)
    abandoned = entry(9, status="claimed", lease_until=NOW - timedelta(hours=1))
    state = summarize([new, old, abandoned], [abandoned], [], NOW, sweeps=False)
    assert (state.running, state.needs_person) == ([old, new], [abandoned])


def test_what_a_sweep_loads_again_does_not_need_a_person() -> None:
    later, sooner = (entry(1, status="failed", next_try_at=NOW + timedelta(hours=hours)) for hours in (3, 1))
    hopeless = entry(1, status="failed", error="CorruptParquetError")
    state = summarize([], [later, hopeless, sooner], [], NOW, sweeps=True)
    assert (state.waiting, state.needs_person) == ([sooner, later], [hopeless])
    state = summarize([], [later, hopeless, sooner], [], NOW, sweeps=False)
    assert (state.waiting, state.needs_person) == ([], [later, hopeless, sooner])


def test_points_are_counted_by_dataset_and_hour() -> None:
    loaded = [entry(0.1, points_written=5), entry(0.9, points_written=7), entry(23.5, points_written=1)]
    loaded += [entry(2, dataset="wind", points_written=3, verdict="partly loaded")]
    state = summarize([], [], loaded, NOW, sweeps=True)
    generation, wind = state.activity
    assert (generation.dataset, generation.files, generation.points[0], generation.points[-1]) == (
        "generation",
        3,
        1,
        12,
    )
    assert sum(generation.points) == 13
    assert (wind.points[HOURS - 3], wind.last_load) == (3, NOW - timedelta(hours=2))
    assert state.partly_loaded == [loaded[-1]]


def test_the_highest_count_is_the_highest_bar() -> None:
    assert sparkline([10**9, 1, 0]) == "█▁·"
    assert sparkline([]) == sparkline([0] * 0) == ""
