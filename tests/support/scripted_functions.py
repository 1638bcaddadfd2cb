"""Stubs of the Lambda functions, for tests of the state machine alone.

`scripted_functions()` returns stubs of a load that succeeds; a test replaces single ones, for example
`scripted_functions(write_batch=always(Failure("InfluxUnavailableError")))`, and checks `payloads` afterwards.
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any

Payload = dict[str, Any]
EVENT = {"bucket": "landing", "key": "dataset=generation/a.parquet"}
HEALTH = {"status": "healthy", "response_time_ms": 1.5, "version": "2.7.12", "bucket": "found"}
BUCKET_ID = "0f1e2d3c4b5a6978"
PARTS = [{"part": n, "first_group": n, "end_group": n + 1, "first_row": 1000 * n, "rows": 1000} for n in range(2)]
SEVERAL_PARTS = [part | {"last_modified": 1704067200, "file_parts": len(PARTS)} for part in PARTS]
"""The parts as ValidateSchema plans them since their series are counted."""

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
    "has_other_versions": False,
    "may_replace": False,
    "table": None,
    "ran": {},
}
PINNED = FILE | {"rows": 0, "parts": []}
REPORT = "reports/generation/0123456789abcdef/execution.json"
POINTS = {"stored": 1990, "rejected": 3, "superseded": 0, "not_sent": 0, "unknown": 0}
FOOTPRINT = {
    "prefix": "footprints/generation/0123456789abcdef/execution/",
    "measurement": "generation_data",
    "first_time": "2024-01-01T00:00:00.000000000Z",
    "last_time": "2024-01-31T23:00:00.000000000Z",
    "calendar": '[["2024-01-01",31,64,3,1,2]]',
}
RESPONSE = {
    "statusCode": 200,
    "message": "Data loaded successfully",
    "data": {
        "points_written": 1990,
        "batches_processed": 4,
        "conversion_stats": {"input_rows": 2000},
        "points": POINTS,
        "footprint": FOOTPRINT,
        "verdict": "partly loaded",
        "report": REPORT,
        "influxdb_health": HEALTH | {"bucket_id": BUCKET_ID},
    },
}
REPLACING = FILE | {"may_replace": True}
"""A file that may replace another one."""

STALE_REPORT = {"points": 3, "uncertain": 0}
ALL_WRITTEN = {"chunks": [], "written": True, "outlasted": 0, "not_before": "", "waits": 0}
"""What RegisterLoad returns if there is nothing left to write."""

WRITTEN = {"chunk": "", "written": True, "next_batch": 1, "not_before": "", "waits": 0}


@dataclass(frozen=True)
class Failure:
    """The result of a function that ends with an exception."""

    error: str
    message: str = "why"


Stub = Callable[[Payload], Any]
"""A function that returns the result of an invocation with this payload."""


def always(result: Any) -> Stub:
    """Return a stub that gives every call the same result."""
    return lambda _: result


def in_turn(*results: Any) -> Stub:
    """Return a stub that gives the nth call the nth result, and any further call an IndexError."""
    queue = deque(results)
    return lambda _: queue.popleft() if queue else Failure("IndexError", "the script ended")


@dataclass
class Functions:
    """The stubs by function name, and the calls of all of them: function name and payload."""

    stubs: Mapping[str, Stub]
    calls: list[tuple[str, Payload]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def payloads(self, name: str) -> list[Payload]:
        """Return the payloads of all calls of one function, in order."""
        return [payload for function, payload in self.calls if function == name]

    def invoke(self, name: str, payload: Payload) -> Any:
        """Record the call, and return the result of the function's stub."""
        with self._lock:
            self.calls.append((name, payload))
            return self.stubs[name](payload)


def convert_part(part_ref: dict[str, Any], *, chunks: int = 2) -> dict[str, Any]:
    """Return what ConvertAndChunk returns for a part, with its rows spread over `chunks` chunks."""
    part, rows = part_ref["part"]["part"], part_ref["part"]["rows"]
    staged = [{"chunk": f"{part:04}-{n:04}", "sha256": "0" * 64, "points": rows // chunks} for n in range(chunks)]
    return {"part": part, "rows": rows, "points": rows, "chunks": staged}


def register_load(call: Payload, *, losing: Sequence[Payload] = ()) -> dict[str, Any]:
    """Return what the function returns where no other load has the same points, for a file with these losing parts."""
    converted = call["input"]["converted"]
    if call["state"] == "CompareParts":
        names = [f"{part['part']:04}" for part in losing]
        kept = [chunk for chunk in converted["chunks"] if chunk["chunk"][:4] not in names]
        return {"chunks": kept, "losing": list(losing)}
    again = converted.get("again", {"chunks": []})["chunks"]
    chunks = converted["chunks"] + again if call["state"] == "RegisterLoad" else []
    return ALL_WRITTEN | {"chunks": chunks, "written": not chunks}


def scripted_functions(**stubs: Stub) -> Functions:
    """Return stubs of a load that succeeds, except for those that `stubs` replace."""
    healthy: dict[str, Stub] = {
        "check_health": always(HEALTH),
        "validate_schema": pin_then(always(FILE)),
        "convert_and_chunk": convert_part,
        "register_load": register_load,
        "write_batch": always(WRITTEN),
        "report_load": always(RESPONSE),
        "find_stale": always(STALE_REPORT),
    }
    return Functions(healthy | stubs)


def pin_then(validate: Stub) -> Stub:
    """Return a stub that pins the file when PinSource calls it, and calls `validate` for ValidateSchema."""
    return lambda call: validate(call["input"]) if call["state"] == "ValidateSchema" else PINNED


def force_claim() -> Stub:
    """Return a stub of a load whose input sets `force`."""
    return in_turn(*(file | {"claim": CLAIM | {"force": True}} for file in (PINNED, FILE)))


def report_failure(call: Payload) -> dict[str, Any]:
    """Return what ReportFailure returns: the error, with a response as its cause."""
    state = call["input"]
    error, cause = state["error"]["Error"], json.dumps({"statusCode": 400, "of": state["error"]["Cause"]})
    about = {"message": "what to do", "report": REPORT, "points": POINTS, "footprint": FOOTPRINT}
    return {"error": error, "cause": cause, **about}


def report_load(call: Payload) -> Any:
    """Return what the function returns for the state that calls it: ReportFailure or ReportLoad."""
    return report_failure(call) if call["state"] == "ReportFailure" else RESPONSE


PAUSE = {
    "since": "2024-01-02T03:04:00Z",
    "give_up_at": "2024-01-02T03:34:00Z",
    "not_before": "2024-01-02T03:04:05Z",
    "waits": 1,
    "reason": 'a "quoted" reason: \\ and ünïcode',
}
"""A pause until a time that is already past."""


def pause_once(error: str, result: Any) -> Stub:
    """Return a stub that asks once to be called again later, and then always returns the same result."""
    answers = chain([Failure(error, json.dumps(PAUSE))], repeat(result))
    return lambda _: next(answers)
