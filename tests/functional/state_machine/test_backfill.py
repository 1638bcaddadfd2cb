"""The backfill on the second interpreter: a child by itself, and what surrounds the Map."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from state_machine.backfill import DEFAULTS
from state_machine.definition import LOADER_ARN, WORK, backfill_definition
from state_machine.settings import MachineSettings
from tests.functional.state_machine.interpreter import ROLE, Ended, Interpreter
from tests.functional.state_machine.scripted_functions import Functions, Payload, Raised, always
from tests.functional.state_machine.test_paths_and_limits import reading_paths, with_wrong_path

INPUT = {"bucket": "landing", "prefix": "dataset=generation/"}
FILE = {"bucket": "landing", "key": "dataset=generation/b c+ç.parquet", "etag": '"e"', "last_modified": 1704067200}
LOADED = {
    "object": "s3://landing/dataset=generation/b c+ç.parquet",
    "version": "2024-01-01T00:00:00Z v1",
    "status": "loaded",
    "etag": '"e"',
    "last_modified": 1704067200,
}
ANSWER = {"statusCode": 200, "message": "All 3 files are loaded", "data": {}}
LOADER = {
    "StartAt": "Broken?",
    "States": {
        "Broken?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.key", "StringMatches": "*broken*", "Next": "Fail"}],
            "Default": "Done",
        },
        "Fail": {"Type": "Fail", "Error": "CorruptParquetError", "Cause": "{}"},
        "Done": {"Type": "Succeed"},
    },
}
"""Stands for the loader: what a file is called decides what becomes of it."""


@pytest.fixture(scope="module")
def definition() -> dict[str, Any]:
    return backfill_definition(MachineSettings(backoff_seconds=1, max_delay_seconds=1, transient_attempts=2))


@pytest.fixture(scope="module")
def child(definition: dict[str, Any]) -> dict[str, Any]:
    """What the Map does with one file, as a definition of its own."""
    processor: dict[str, Any] = definition["States"]["LoadFiles"]["ItemProcessor"]
    return {name: processor[name] for name in ("StartAt", "States")}


@pytest.fixture(autouse=True)
def loads(running: Interpreter) -> Iterator[list[Payload]]:
    """Inputs of the loader's executions."""
    client, inputs = running.client, list[Payload]()
    client.create_state_machine(name=LOADER_ARN.rpartition(":")[2], definition=json.dumps(LOADER), roleArn=ROLE)
    loads_of = lambda: inputs.extend(
        json.loads(client.describe_execution(executionArn=execution["executionArn"])["input"])
        for execution in client.list_executions(stateMachineArn=LOADER_ARN)["executions"]
    )
    yield inputs
    client.delete_state_machine(stateMachineArn=LOADER_ARN)


def test_x(running: Interpreter, child: dict[str, Any], loads: list[Payload]) -> None:
    ended = running.run(child, Functions({}), FILE, ledger=[], longest_s=60)
    print(ended.status, ended.states, ended.error, ended.cause)
    print(loads)
    assert 0
