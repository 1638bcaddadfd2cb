"""What the terminal shows while a load runs: chunks, points, points a second, and the time that is left."""

import doctest

import pytest

from cli import watching
from cli.deployed.progress import LoadProgress
from cli.watching import RATE_WINDOW_S, Rate, describe_load


def test_examples_give_the_results_that_they_show() -> None:
    assert doctest.testmod(watching).failed == 0


@pytest.mark.parametrize("done", [None, LoadProgress(5, 0, 0, 0, 0)])
def test_without_chunks_only_the_state_is_shown(done: LoadProgress | None) -> None:
    assert describe_load("ConvertParts", done, Rate()) == "ConvertParts"
    assert describe_load("", done, Rate()) == "starting"


def test_one_chunk_and_one_point_are_singular() -> None:
    assert describe_load("WriteChunks", LoadProgress(1, 1, 1, 0, 0), Rate()) == (
        "WriteChunks: 0 of 1 chunk, 0 of 1 point"
    )


def test_the_rate_is_that_of_the_last_half_minute() -> None:
    rate = Rate()
    assert rate.per_second == 0.0
    for second in range(100):
        rate.add(float(second), 100 * second if second < 50 else 5_000 + 1_000 * (second - 50))
    assert rate.per_second == pytest.approx(1_000.0, rel=0.05)
    rate.add(99.0 + RATE_WINDOW_S, 54_000)
    assert 0.0 < rate.per_second < 1_100.0
