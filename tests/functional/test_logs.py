"""Log lines: JSON, one record each, telling which load they are about."""

import io
import json
from typing import Any

import pytest

from shared.logs import log_invocations, logger

EVENT = {"bucket": "b", "key": "dataset=generation/a\nb.parquet"}
STATE = {"event": EVENT, "execution": {"id": "arn", "name": "run-1", "start_time": ""}}


@log_invocations
def handler(event: dict[str, Any], context: Any) -> str:
    if event.get("fails"):
        raise ValueError("no good")
    return "fine"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The stream that the logger writes to: the standard output when the logger was created."""
    stream = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    return stream


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_line_tells_execution_and_object_and_time(context: Any, written: io.StringIO) -> None:
    assert handler(STATE, context) == "fine"
    (line,) = lines(written)
    assert (line["correlation_id"], line["execution"], line["service"]) == ("run-1", "run-1", "influxdb-loader")
    assert (line["bucket"], line["key"], line["message"]) == ("b", EVENT["key"], "done")
    assert line["seconds"] >= 0


def test_a_line_of_a_chunk_tells_its_load(context: Any, written: io.StringIO) -> None:
    handler({"execution": "run-1", "load_id": "ab", "dataset": "generation", "chunk": "0000-0001"}, context)
    (line,) = lines(written)
    assert (line["execution"], line["load_id"], line["dataset"], line["chunk"]) == (
        "run-1",
        "ab",
        "generation",
        "0000-0001",
    )


def test_an_error_is_logged_with_its_stack_and_raised_again(context: Any, written: io.StringIO) -> None:
    with pytest.raises(ValueError, match="no good"):
        handler(STATE | {"fails": True}, context)
    (line,) = lines(written)
    assert (line["level"], line["exception_name"]) == ("ERROR", "ValueError")
    assert "Traceback" in line["exception"]


def test_log_lines_contain_nothing_of_the_previous_load(context: Any, written: io.StringIO) -> None:
    handler(STATE, context)
    handler({"event": None, "execution": {"name": "run-2"}}, context)
    line = lines(written)[-1]
    assert (line["execution"], "key" in line) == ("run-2", False)
