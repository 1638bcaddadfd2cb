"""Functions whose answers are scripts, for executions in which what they do is not the subject."""

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Payload = dict[str, Any]
EVENT = {"bucket": "landing", "key": "dataset=generation/a.parquet"}
HEALTH = {"status": "healthy", "response_time_ms": 1.5, "version": "2.7.12", "bucket": "found"}
PARTS = [{"part": n, "first_group": n, "end_group": n + 1, "first_row": 1000 * n, "rows": 1000} for n in range(2)]
CLAIM = {
    "object": "s3://landing/dataset=generation/a.parquet",
    "version": "2024-01-01T00:00:00Z v1",
    "last_modified": 1704067200,
    "sequencer": "0055AED6DCD90281E5",
    "now": "2024-01-01T00:01:00Z",
    "lease_until": "2024-01-01T06:16:00Z",
    "force": False,
}
FILE: dict[str, Any] = {
    "load_id": "0123456789abcdef",
    "bucket": "landing",
    "key": "dataset=generation/a.parquet",
    "version_id": "v1",
    "etag": '"e"',
    "size": 4096,
    "dataset": "generation",
    "layout": "wide",
    "claim": CLAIM,
    "rows": 2000,
    "parts": PARTS,
    "skipped": "",
    "not_before": "",
    "ran": {},
}
PINNED = FILE | {"rows": 0, "parts": []}
REPORT = "reports/generation/0123456789abcdef/execution.json"
RESPONSE = {
    "statusCode": 200,
    "message": "Data loaded successfully",
    "data": {
        "points_written": 1990,
        "batches_processed": 4,
        "conversion_stats": {"input_rows": 2000},
        "report": REPORT,
    },
}
WRITTEN = {"chunk": "", "written": True, "next_batch": 1, "not_before": "", "waits": 0}


@dataclass(frozen=True)
class Raised:
    """A function ends with this exception."""

    error: str
    message: str = "why"


Answer = Callable[[Payload], Any]


def always(result: Any) -> Answer:
    return lambda _: result


def in_turn(*results: Any) -> Answer:
    """The first call gets the first result, and so on. One call too many ends the execution with IndexError."""
    left = deque(results)
    return lambda _: left.popleft() if left else Raised("IndexError", "the script ended")


@dataclass
class Functions:
    """Answers by function name, and what was asked."""

    answers: Mapping[str, Answer]
    calls: list[tuple[str, Payload]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def payloads(self, name: str) -> list[Payload]:
        return [payload for called, payload in self.calls if called == name]

    def invoke(self, name: str, payload: Payload) -> Any:
        with self._lock:
            self.calls.append((name, payload))
            return self.answers[name](payload)


def converted(part_ref: dict[str, Any], *, chunks: int = 2) -> dict[str, Any]:
    part, rows = part_ref["part"]["part"], part_ref["part"]["rows"]
    staged = [{"chunk": f"{part:04}-{n:04}", "sha256": "0" * 64, "points": rows // chunks} for n in range(chunks)]
    return {"part": part, "rows": rows, "points": rows, "chunks": staged}


def functions(**answers: Answer) -> Functions:
    """All is well, unless `answers` say otherwise."""
    healthy: dict[str, Answer] = {
        "check_health": always(HEALTH),
        "validate_schema": pinned_then(always(FILE)),
        "convert_and_chunk": converted,
        "write_batch": always(WRITTEN),
        "report_load": always(RESPONSE),
    }
    return Functions(healthy | answers)


def pinned_then(answer: Answer) -> Answer:
    """The file as PinSource pins it; `answer` is what ValidateSchema makes of it."""
    return lambda call: answer(call["input"]) if call["state"] == "ValidateSchema" else PINNED


def forced() -> Answer:
    """The input asked for it."""
    return in_turn(*(file | {"claim": CLAIM | {"force": True}} for file in (PINNED, FILE)))


def reported(call: Payload) -> dict[str, str]:
    """As ReportFailure answers: the error with a response as its cause."""
    state = call["input"]
    error, cause = state["error"]["Error"], json.dumps({"statusCode": 400, "of": state["error"]["Cause"]})
    return {"error": error, "cause": cause, "message": "what to do", "report": REPORT}


def reporting(call: Payload) -> Any:
    return reported(call) if call["state"] == "ReportFailure" else RESPONSE


def waiting() -> Answer:
    """The first chunk is written half, and InfluxDB asks to be left alone until a time that has come by then."""
    half = {"chunk": "0000-0000", "written": False, "next_batch": 7, "not_before": "2024-01-02T03:04:05Z", "waits": 1}
    return in_turn(half, *[WRITTEN] * 4)
