"""The log lines of the deployed functions."""

import json
from typing import Any

import pytest

from tests.support.deployed_app import DeployedApp, unique_records

KEYS = {"execution", "load_id", "bucket", "key", "dataset"}


def lines(app: DeployedApp, function: str, execution: str) -> list[dict[str, Any]]:
    """All that a function logged while it was called for this execution, and its metrics."""
    group = app.functions[function]["LoggingConfig"]["LogGroup"]
    pages = app.cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    messages = [event["message"] for page in pages for event in page["events"]]
    parsed = [json.loads(message) for message in messages if message.startswith("{")]
    ours = [line for line in parsed if line.get("execution") == execution]
    calls = {line["function_request_id"] for line in ours if "function_request_id" in line}
    return ours + [line for line in parsed if line not in ours and line.get("function_request_id") in calls]


@pytest.fixture(scope="module")
def execution(app: DeployedApp, tmp_path_factory: pytest.TempPathFactory) -> str:
    table = unique_records(tmp_path_factory.mktemp("logs"), "generation", 60)
    with app.configured(POWERTOOLS_LOGGER_SAMPLE_RATE="1"):
        return app.load("dataset=generation/logs.parquet", table).arn.rsplit(":", 1)[1]


@pytest.mark.parametrize(
    "function", ["check_health", "validate_schema", "convert_and_chunk", "write_batch", "report_load"]
)
def test_every_line_tells_execution_load_and_file(app: DeployedApp, execution: str, function: str) -> None:
    """But that the load's id is made of the file's version, which PinSource finds out."""
    written = lines(app, function, execution)
    assert {line["message"] for line in written if "message" in line} >= {"called", "done"}
    for line in written:
        unpinned = (function, line.get("message")) == ("validate_schema", "called")
        assert line.keys() >= KEYS - ({"load_id"} if unpinned else set()), line
        assert (line["bucket"], line["key"]) == (app.source_bucket, "dataset=generation/logs.parquet")
        assert line["dataset"] == "generation"
