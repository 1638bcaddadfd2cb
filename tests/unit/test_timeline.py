"""The timeline of a load: a lane for each state, in which every second of it is accounted for."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.report_load.timeline import Bar, Lane, failed_state, lanes
from shared.load_totals import Outcomes

START = datetime(2024, 1, 1, tzinfo=UTC)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def span(begins: float, ends: float) -> dict[str, str]:
    return {"started_at": at(begins).isoformat(), "ended_at": at(ends).isoformat()}


def part(begins: float, seconds: float) -> Any:
    return {"started_at": at(begins).isoformat(), "seconds": seconds, "chunks": [{"chunk": "0000-0000"}]}


def chunk(*runs: tuple[float, float], then: str = "", batches: int = 1) -> Any:
    """Return the outcome of a chunk whose only batch is written."""
    spans = [span(*run) | {"then": then} for run in runs]
    return {"chunk": "0000-0000", "points": 4, "runs": spans, "batches": batches, "written": {"0": 1}, "refused": {}}


def lanes_of(
    parts: list[Any], chunks: list[Any], ran: Mapping[str, tuple[float, float]], failed: str = ""
) -> dict[str, Lane]:
    """Return the lanes, by state, of a load of 100 s (so 1 s is 1 %), in which ReportLoad starts 2 s before the end."""
    spans = {state: span(*seconds) for state, seconds in ran.items()}
    report: Any = {
        "execution": {"start_time": START.isoformat()},
        "file": {"ran": {state: spans[state] for state in spans if state != "CheckHealth"}},
        "health": {"ran": spans["CheckHealth"]} if "CheckHealth" in spans else None,
        "failed_state": failed,
    }
    drawing = lanes(report, Outcomes(parts=parts, chunks=chunks), at(98), at(100))
    return {lane.state: lane for lane in drawing}


def rounded(bars: list[Bar]) -> list[tuple[str, float, float]]:
    return [(bar.kind, round(bar.left, 6), round(bar.width, 6)) for bar in bars]


EARLY: dict[str, tuple[float, float]] = {"PinSource": (2, 3), "CheckHealth": (5, 9), "ValidateSchema": (10, 12)}


def test_each_state_has_a_lane_in_the_order_in_which_they_run() -> None:
    lanes_by_state = lanes_of([part(15, 5)], [chunk((22, 40))], EARLY)
    assert list(lanes_by_state) == [
        "PinSource",
        "CheckHealth",
        "ValidateSchema",
        "ConvertAndChunk",
        "WriteBatch",
        "ReportLoad",
    ]
    assert [lane.seconds for lane in lanes_by_state.values()] == [1, 4, 2, 5, 18, 2]


def test_a_bar_begins_where_the_state_before_ended_and_is_pale_until_the_function_runs() -> None:
    lanes_by_state = lanes_of([part(15, 5)], [chunk((22, 40))], EARLY)
    assert rounded(lanes_by_state["PinSource"].bars) == [("pause", 0, 2), ("run", 2, 1)]
    assert rounded(lanes_by_state["CheckHealth"].bars) == [("pause", 3, 2), ("run", 5, 4)]
    assert rounded(lanes_by_state["WriteBatch"].bars) == [("pause", 20, 2), ("run", 22, 18)]
    assert rounded(lanes_by_state["ReportLoad"].bars) == [("pause", 40, 58), ("run", 98, 2)]


def test_a_wait_for_influx_is_a_lane_of_its_own() -> None:
    lanes_by_state = lanes_of([part(15, 5)], [chunk((20, 25), (60, 70), then="WaitForInflux")], EARLY)
    assert rounded(lanes_by_state["WaitForInflux"].bars) == [("wait", 25, 35)]
    assert (lanes_by_state["WaitForInflux"].seconds, lanes_by_state["WriteBatch"].seconds) == (35, 15)
    assert rounded(lanes_by_state["WriteBatch"].bars)[1:] == [("run", 20, 5), ("run", 60, 10)]


def test_a_wait_for_an_older_version_is_a_lane_of_its_own() -> None:
    lanes_by_state = lanes_of([], [], EARLY | {"WaitForOlder": (10, 60), "ValidateSchema": (61, 62)})
    assert rounded(lanes_by_state["WaitForOlder"].bars) == [("wait", 10, 50)]
    assert rounded(lanes_by_state["ValidateSchema"].bars) == [("pause", 60, 1), ("run", 61, 1)]


def test_the_time_between_two_tries_is_pale() -> None:
    lanes_by_state = lanes_of([part(15, 5)], [chunk((20, 25), (31, 40))], EARLY)
    assert rounded(lanes_by_state["WriteBatch"].bars) == [
        ("pause", 20, 0),
        ("pause", 25, 6),
        ("run", 20, 5),
        ("run", 31, 9),
    ]
    assert "WaitForInflux" not in lanes_by_state


def test_time_in_which_several_run_counts_once() -> None:
    lanes_by_state = lanes_of([part(20, 10), part(25, 10), part(26, 1), part(50, 5)], [], EARLY)
    assert (lanes_by_state["ConvertAndChunk"].seconds, lanes_by_state["ConvertAndChunk"].runs) == (20, 4)


def test_a_state_that_failed_is_red_until_the_failure_is_reported() -> None:
    lanes_by_state = lanes_of([], [], {"PinSource": (2, 3)}, failed="CheckHealth")
    assert list(lanes_by_state) == ["PinSource", "CheckHealth", "ReportFailure"]
    assert lanes_by_state["CheckHealth"].failed
    assert rounded(lanes_by_state["CheckHealth"].bars) == [("failed", 3, 95)]
    assert rounded(lanes_by_state["ReportFailure"].bars) == [("pause", 98, 0), ("run", 98, 2)]


def test_the_runs_of_a_failed_state_are_drawn_too() -> None:
    lanes_by_state = lanes_of([part(15, 5)], [chunk((22, 40))], EARLY, failed="WriteBatch")
    assert rounded(lanes_by_state["WriteBatch"].bars) == [("pause", 20, 2), ("failed", 40, 58), ("run", 22, 18)]


PINNED = {"file": {"ran": {"PinSource": span(0, 1)}, "not_before": ""}}
HEALTHY = PINNED | {"health": {}}
WAITING = HEALTHY | {"file": {"ran": {"ValidateSchema": span(2, 3)}, "not_before": "2024-01-01T00:00:05Z"}}
VALID: dict[str, Any] = HEALTHY | {
    "file": {"ran": {"ValidateSchema": span(2, 3)}, "not_before": "", "parts": [{"file_parts": 1}]}
}
CONVERTED: dict[str, Any] = VALID | {"converted": {"chunks": []}}
SEVERAL_PARTS = CONVERTED | {"file": VALID["file"] | {"parts": [{"file_parts": 2}] * 2}}


def compared(losing: list[Any]) -> dict[str, Any]:
    """Return the state of a load after CompareParts."""
    return SEVERAL_PARTS | {"series": {"series": 1}, "converted": {"chunks": [], "losing": losing}}


@pytest.mark.parametrize(
    ("state", "error", "outcomes", "failed"),
    [
        ({}, "SourceNotFoundError", Outcomes(), "PinSource"),
        (PINNED, "DynamoDB.AmazonDynamoDBException", Outcomes(), "Claim"),
        (PINNED, "InfluxUnavailableError", Outcomes(), "CheckHealth"),
        (HEALTHY, "CorruptParquetError", Outcomes(), "ValidateSchema"),
        (WAITING, "CorruptParquetError", Outcomes(), "ValidateSchema"),
        (VALID, "CollidingRecordsError", Outcomes(), "ConvertAndChunk"),
        (SEVERAL_PARTS, "TooManySeriesError", Outcomes([part(0, 1), part(1, 1)]), "CheckSeries"),
        (SEVERAL_PARTS | {"series": {"series": 1}}, "ChunkDamagedError", Outcomes(), "CompareParts"),
        (compared([{"part": 0}]), "InvalidRecordsError", Outcomes(), "ConvertAgain"),
        (compared([]), "OlderLoadRunningError", Outcomes([part(0, 1)]), "RegisterLoad"),
        (CONVERTED, "InfluxUnavailableError", Outcomes([part(0, 1)], [chunk((2, 3), batches=2)]), "WriteBatch"),
        (
            CONVERTED,
            "RefusedPointsError",
            Outcomes([part(0, 1)], [chunk((2, 3)) | {"refused": {"0": 3}}]),
            "WriteBatch",
        ),
        (CONVERTED, "NoValidRecordsError", Outcomes([part(0, 1)], [chunk((2, 3))]), "ReportLoad"),
    ],
)
def test_the_state_that_failed_is_the_first_without_a_result(
    state: Any, error: str, outcomes: Outcomes, failed: str
) -> None:
    assert failed_state(state | {"error": {"Error": error, "Cause": ""}}, outcomes) == failed
