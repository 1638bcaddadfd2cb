"""The response of a load: one shape for success, skip and failure."""

import json
from datetime import datetime
from typing import Any

from shared.errors import DataError, LoaderError, subclasses
from shared.events import Failure, LoadState, Response
from shared.load_totals import Outcomes
from shared.requested_object import requested_object
from shared.responses import response, seconds_since

STATUS_CODES = {error.__name__: error.status_code for error in subclasses(LoaderError)}

NAMED_CHUNKS = 20
"""A message names this many unwritten chunks; the report names all."""


def success(state: LoadState, outcomes: Outcomes, now: datetime) -> Response:
    """The contract's response of a file that is loaded, or that is no load."""
    skipped = state["file"]["skipped"]
    message = f"Skipped: {skipped}" if skipped else "Data loaded successfully"
    return response(200, message, _data(state, outcomes, now), now)


def failure(state: LoadState, outcomes: Outcomes, now: datetime) -> Response:
    """The same shape with the status of the error and a message that a person can act on."""
    error = state["error"]["Error"]
    message = error_message(state["error"]) + _unwritten(outcomes)
    return response(STATUS_CODES.get(error, 500), message, {"error": error} | _data(state, outcomes, now), now)


def error_message(error: Failure) -> str:
    """What the function said: Lambda wraps it in JSON, AWS's own errors are plain text."""
    try:
        said = json.loads(error["Cause"])
    except ValueError:
        said = error["Cause"]
    if isinstance(said, dict):
        said = said.get("errorMessage") or error["Cause"]
    return str(said) if error["Error"] in STATUS_CODES else f"{error['Error']}: {said}"


def _unwritten(outcomes: Outcomes) -> str:
    """Which chunks are not in InfluxDB, if any were staged."""
    chunks = outcomes.unwritten_chunks
    if not chunks:
        return ""
    more = f" and {len(chunks) - NAMED_CHUNKS} more" if len(chunks) > NAMED_CHUNKS else ""
    return (
        f"; written so far: {outcomes.points_written} of {outcomes.points} points;"
        f" unwritten chunks: {', '.join(chunks[:NAMED_CHUNKS])}{more}"
    )


def _data(state: LoadState, outcomes: Outcomes, now: datetime) -> dict[str, Any]:
    file, rows = state.get("file"), rows_of(state)
    data: dict[str, Any] = {
        "points_written": outcomes.points_written,
        "batches_processed": outcomes.batches_processed,
        "dataset_type": file["dataset"] or None if file else None,
        "processing_time_seconds": seconds_since(state["execution"]["start_time"], now),
        "conversion_stats": {
            "input_rows": rows,
            "output_points": outcomes.points,
            "conversion_rate": conversion_rate(rows, outcomes),
            "collapsed_rows": outcomes.collapsed,
            "set_aside_rows": outcomes.set_aside,
            "fields_left_out": outcomes.fields_left_out,
            "refused_points": outcomes.points_rejected,
        },
        "influxdb_health": _health(state),
    }
    return data | _source(state)


def _health(state: LoadState) -> dict[str, Any] | None:
    """Without what only the timeline needs."""
    health = state.get("health")
    return {name: value for name, value in health.items() if name != "ran"} if health else None


def _source(state: LoadState) -> dict[str, str]:
    """Which object this is about: as it was pinned, or else as it was asked for, where the event can be read."""
    if "file" in state and state["file"]["load_id"]:
        file = state["file"]
        return {
            "load_id": file["load_id"],
            "bucket": file["bucket"],
            "key": file["key"],
            "version_id": file["version_id"],
        }
    try:
        requested = requested_object(state["event"])
    except DataError:
        return {}
    return {"bucket": requested.bucket, "key": requested.key, "version_id": requested.version_id}


def rows_of(state: LoadState) -> int:
    """Rows of the file, as far as it was read."""
    return state["file"]["rows"] if "file" in state else 0


def conversion_rate(rows: int, outcomes: Outcomes) -> float:
    """Points that rows became; 1.0 for no rows."""
    return outcomes.points / rows if rows else 1.0
