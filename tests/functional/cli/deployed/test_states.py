"""The state of a running execution, in words."""

import json

import boto3

from cli.deployed.states import describe_state
from tests.support.scripted_aws import MACHINE, ScriptedAws


def test_a_running_execution_says_what_it_waits_for_since_when_and_until_when(aws: ScriptedAws) -> None:
    aws.state = "WaitForInflux"
    outage = {"since": "2024-01-02T03:04:05Z", "not_before": "2024-01-02T03:05:00Z", "reason": "InfluxDB returned 503"}
    aws.state_input = json.dumps({"outage": {"give_up_at": "2024-01-02T03:34:05Z", "waits": 1} | outage})
    state = describe_state(boto3.client("stepfunctions"), aws.start(MACHINE, {"bucket": "b", "key": "k"}))
    assert state.startswith("WaitForInflux since 03:04:05 UTC")
    assert state.endswith("until 03:34:05 at the latest: InfluxDB returned 503")
