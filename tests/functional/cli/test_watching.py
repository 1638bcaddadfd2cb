"""What the terminal shows while a load runs: chunks, points, points a second, and the time that is left."""

import doctest

import pytest

from cli import watching
from cli.deployed.progress import LoadProgress
from cli.deployed.stack import Deployment
from cli.watching import MAX_WATCHED, RATE_WINDOW_S, Rate, describe_load, how_to_watch, watch_loads
from tests.support.scripted_aws import MACHINE, STACK, ScriptedAws


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


def test_after_ctrl_c_each_load_has_the_command_that_watches_it() -> None:
    arns = [f"arn:aws:states:us-east-1:1:execution:m:run-{number}" for number in range(12)]
    assert how_to_watch(arns[:1]) == "The load is still running. To watch it again, run:  loader watch run-0"
    lines = how_to_watch(arns).splitlines()
    assert lines[0] == "12 loads are still running. To watch them again, run:"
    assert lines[1:3] == ["  loader watch run-0", "  loader watch run-1"]
    assert lines[-1] == "  … and 2 more, which `loader status` counts"
    assert len(lines) == 12


def test_many_loads_are_watched_a_few_at_a_time_until_each_has_ended(aws: ScriptedAws) -> None:
    aws.looks = 1
    arns = [aws.start(MACHINE, {"bucket": "source", "key": f"{number}"}) for number in range(MAX_WATCHED + 2)]
    ended = [execution.arn for execution in watch_loads(Deployment(STACK), arns, timeout_s=60)]
    assert sorted(ended) == sorted(arns)
    assert set(ended[:MAX_WATCHED]) == set(arns[:MAX_WATCHED])


def test_a_load_that_takes_too_long_is_no_longer_waited_for(aws: ScriptedAws) -> None:
    aws.looks = 1_000
    arn = aws.start(MACHINE, {"bucket": "source", "key": "a"})
    with pytest.raises(TimeoutError, match=r"did not end within . s; it is still running"):
        list(watch_loads(Deployment(STACK), [arn], timeout_s=0))
