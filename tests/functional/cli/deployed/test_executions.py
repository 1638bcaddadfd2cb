"""Executions as Step Functions describes them: what they load, their response, and waiting for their end."""

import json
from datetime import timedelta
from time import time

import boto3
import pytest

from cli.deployed.executions import (
    CLOCK_SKEW,
    Counts,
    Execution,
    count_children,
    describe,
    execution_arn,
    start_execution,
    wait_for_all,
    wait_for_end,
    wait_for_start,
)
from tests.support.scripted_aws import BACKFILL, COUNTS, MACHINE, ScriptedAws, failed, succeeded


def ignore(_: Execution) -> None:
    pass


def test_an_execution_is_named_after_its_machine() -> None:
    assert execution_arn(MACHINE, "run-1") == MACHINE.replace(":stateMachine:", ":execution:") + ":run-1"


def test_an_execution_is_started_with_its_input(aws: ScriptedAws) -> None:
    arn = start_execution(boto3.client("stepfunctions"), MACHINE, {"bucket": "b", "key": "k"})
    assert (list(aws.executions), aws.inputs) == ([arn], [{"bucket": "b", "key": "k"}])


def test_the_response_is_the_output_of_a_success_and_the_cause_of_a_failure(aws: ScriptedAws) -> None:
    client, event = boto3.client("stepfunctions"), {"bucket": "b", "key": "k"}
    loaded = describe(client, aws.start(MACHINE, event, **succeeded(points_written=3)))
    assert (loaded.status, loaded.key, loaded.load_data) == ("SUCCEEDED", "k", COUNTS | {"points_written": 3})
    broken = describe(client, aws.start(MACHINE, event, **failed("CorruptParquetError", "truncated")))
    assert (broken.error, broken.response["message"]) == ("CorruptParquetError", "truncated")


def test_a_cause_that_is_no_json_becomes_the_message(aws: ScriptedAws) -> None:
    arn = aws.start(MACHINE, {}, status="FAILED", error="Sandbox.Timedout", cause="Task timed out after 60 seconds")
    execution = describe(boto3.client("stepfunctions"), arn)
    assert (execution.key, execution.response) == ("", {"message": "Task timed out after 60 seconds"})


def test_a_running_execution_names_its_state_until_it_ends(aws: ScriptedAws) -> None:
    aws.looks, states = 2, list[str]()
    arn = aws.start(MACHINE, {"bucket": "b", "key": "k"})
    end = wait_for_end(
        boto3.client("stepfunctions"),
        arn,
        timeout_s=10,
        every_s=0.01,
        observe=lambda execution: states.append(execution.state),
    )
    assert (states, end.status, end.ended) == (["WriteBatches"] * 2, "SUCCEEDED", True)


def test_an_execution_that_does_not_end_in_time_is_still_running(aws: ScriptedAws) -> None:
    aws.looks = 1000
    arn = aws.start(MACHINE, {})
    with pytest.raises(TimeoutError, match="did not end within 0 s; it is still running"):
        wait_for_end(boto3.client("stepfunctions"), arn, timeout_s=0, every_s=0.01, observe=ignore)


def test_the_executions_of_all_keys_are_waited_for(aws: ScriptedAws) -> None:
    for key in ("a", "b", "c"):
        aws.start(MACHINE, {"bucket": "s", "key": key})
    client = boto3.client("stepfunctions")
    assert wait_for_all(client, MACHINE, ["a", "c"], timeout_s=10, observe=ignore).keys() == {"a", "c"}
    with pytest.raises(TimeoutError, match="not loaded within 0 s: d, e"):
        wait_for_all(client, MACHINE, ["e", "a", "d"], timeout_s=0.4, observe=ignore)


def test_an_upload_s_execution_is_the_one_about_its_very_version(aws: ScriptedAws) -> None:
    event = {"detail": {"bucket": {"name": "s"}, "object": {"key": "k", "version-id": "v2"}}}
    aws.start(MACHINE, {"bucket": "s", "key": "k", "version_id": "v1"})
    arn = aws.start(MACHINE, event)
    aws.start(MACHINE, {"bucket": "s", "key": "other", "version_id": "v2"})
    assert wait_for_start(boto3.client("stepfunctions"), MACHINE, "k", "v2", timeout_s=10) == arn


def test_an_upload_that_starts_nothing_says_what_to_check(aws: ScriptedAws) -> None:
    aws.start(MACHINE, {"bucket": "s", "key": "k", "version_id": "v1"})
    [execution] = aws.executions.values()
    execution["startDate"] = time() - (CLOCK_SKEW + timedelta(minutes=1)).total_seconds()
    with pytest.raises(TimeoutError, match="no execution started for k within 0 s: check that the source bucket"):
        wait_for_start(boto3.client("stepfunctions"), MACHINE, "k", "v1", timeout_s=0.2)


def test_children_of_a_backfill_are_counted_once_its_map_has_started(aws: ScriptedAws) -> None:
    client, arn = boto3.client("stepfunctions"), aws.start(BACKFILL, {})
    assert count_children(client, arn) is None
    aws.item_counts = json.loads(
        '{"pending": 1, "running": 2, "succeeded": 3, "failed": 4, "timedOut": 5, "aborted": 6, "total": 21,'
        ' "resultsWritten": 0}'
    )
    counts = count_children(client, arn)
    assert counts == Counts(total=21, running=2, succeeded=3, failed=15)
    assert counts.done == 18
