"""Loads that a command repeats: a few at a time, each taken when its turn comes."""

from collections.abc import Iterator

import pytest

from cli.deployed.stack import Deployment
from cli.repeated_loads import Event, run_loads
from tests.support.scripted_aws import STACK, ScriptedAws, failed, succeeded


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_loads_run_at_a_time_and_all_are_returned(aws: ScriptedAws, concurrency: int) -> None:
    aws.looks = 1
    aws.ending = lambda event: failed("InfluxUnavailableError", "503") if event["key"] == "b" else succeeded()
    started = list[int]()

    def events() -> Iterator[tuple[str, Event]]:
        for key in "abcd":
            started.append(aws.actions.count("StartExecution"))
            yield key, {"bucket": "source", "key": key}

    ended = run_loads(Deployment(STACK), events(), total=4, interrupted="", concurrency=concurrency)
    assert {name: execution.status for name, execution in ended.items()} == dict.fromkeys("acd", "SUCCEEDED") | {
        "b": "FAILED"
    }
    assert started == [0, 1, 2, 3]
    assert aws.actions.index("DescribeExecution") == concurrency


def test_nothing_to_load_starts_nothing(aws: ScriptedAws) -> None:
    assert run_loads(Deployment(STACK), [], total=0, interrupted="") == {}
    assert aws.actions == []
