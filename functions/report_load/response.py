"""The response of a load, of a skipped object, and of a failed load.

`success`, `skip` and `failure` share `_data`, which counts the rows and names the object (`_name_source`). All but
`skip` also name the report (`_name_report`), which the handler stores afterwards.
"""

import json
from datetime import datetime

from functions.report_load.footprint import footprint_data
from shared.accounts import Accounts
from shared.balance import find_difference
from shared.errors import DataError, LoaderError, subclasses
from shared.events import Failure, LoadState
from shared.load_totals import Outcomes
from shared.logs import logger
from shared.requested_object import requested_object
from shared.responses import HealthData, LoadData, PointsData, Response, response, seconds_since
from shared.settings import work_bucket
from shared.work_bucket import UNPLANNED, report_key

STATUS_CODES = {error.__name__: error.status_code for error in subclasses(LoaderError)}

NAMED_CHUNKS = 20
"""How many of the incomplete chunks a message names. The report names all."""


def success(state: LoadState, outcomes: Outcomes, now: datetime) -> Response[LoadData]:
    """Return the response of a file that is loaded.

    Args:
        state: The state of the load.
        outcomes: The outcomes of its parts and chunks.
        now: The end of the load.
    """
    data = _data(state, outcomes, now)
    data["verdict"] = outcomes.verdict
    data["footprint"] = footprint_data(state, outcomes)
    if stale := state.get("stale"):
        data["stale"] = stale
    _name_report(data, state)
    return response(200, "Data loaded successfully", data, now)


def skip(state: LoadState, now: datetime) -> Response[LoadData]:
    """Return the response of a skipped object. It is not a load, so it has no report and no metrics."""
    return response(200, f"Skipped: {state['file']['skipped']}", _data(state, Outcomes(), now), now)


def failure(state: LoadState, outcomes: Outcomes, now: datetime) -> Response[LoadData]:
    """Return the response of a failed load: the error's status code, and a message that a person can act on.

    The arguments are those of `success`.
    """
    error = state["error"]["Error"]
    message = error_message(state["error"]) + _describe_points(outcomes)
    data: LoadData = {"error": error, **_data(state, outcomes, now), "footprint": footprint_data(state, outcomes)}
    _name_report(data, state)
    return response(STATUS_CODES.get(error, 500), message, data, now)


def error_message(error: Failure) -> str:
    """Return the message of an error. Lambda wraps a function's message in JSON; AWS's own errors are plain text."""
    try:
        cause = json.loads(error["Cause"])
    except ValueError:
        cause = error["Cause"]
    message = (cause.get("errorMessage") or error["Cause"]) if isinstance(cause, dict) else cause
    return str(message) if error["Error"] in STATUS_CODES else f"{error['Error']}: {message}"


def _describe_points(outcomes: Outcomes) -> str:
    """Return the part of the message that says what became of the converted points, if there are any."""
    if not outcomes.points:
        return ""
    text = f"; of {outcomes.points} points {describe_accounts(outcomes.accounts)}"
    if chunks := outcomes.unwritten_chunks:
        more = f" and {len(chunks) - NAMED_CHUNKS} more" if len(chunks) > NAMED_CHUNKS else ""
        text += f"; incomplete chunks: {', '.join(chunks[:NAMED_CHUNKS])}{more}"
    if difference := find_difference(outcomes):
        logger.error("the counts do not add up", difference=difference)
        text += f"; the counts do not add up ({difference}): report this as a bug"
    return text


def describe_accounts(accounts: Accounts) -> str:
    """Return how many points are stored, and how many have each other fate, if any.

    >>> describe_accounts(Accounts(stored=1000, unknown=490))
    '1000 are stored, 490 may be stored (InfluxDB did not acknowledge them)'
    """
    counts = (
        (accounts.rejected, "were rejected"),
        (accounts.superseded, "are superseded by a newer revision"),
        (accounts.unknown, "may be stored (InfluxDB did not acknowledge them)"),
        (accounts.not_sent, "were not sent"),
    )
    return ", ".join([f"{accounts.stored} are stored", *(f"{count} {fate}" for count, fate in counts if count)])


def _data(state: LoadState, outcomes: Outcomes, now: datetime) -> LoadData:
    file = state.get("file")
    rows = file["rows"] if file else 0
    data: LoadData = {
        "points_written": outcomes.points_written,
        "batches_processed": outcomes.batches_processed,
        "dataset_type": file["dataset"] or None if file else None,
        "processing_time_seconds": seconds_since(state["execution"]["start_time"], now),
        "conversion_stats": {
            "input_rows": rows,
            "output_points": outcomes.points,
            "conversion_rate": outcomes.points / rows if rows else 1.0,
            "collapsed_rows": outcomes.collapsed,
            "set_aside_rows": outcomes.set_aside,
            "fields_left_out": outcomes.fields_left_out,
            "refused_points": outcomes.points_rejected,
        },
        "points": points_data(outcomes.accounts),
        "influxdb_health": _health(state),
    }
    _name_source(data, state)
    return data


def points_data(accounts: Accounts) -> PointsData:
    """Return the accounts as the response has them."""
    return {
        "stored": accounts.stored,
        "rejected": accounts.rejected,
        "superseded": accounts.superseded,
        "not_sent": accounts.not_sent,
        "unknown": accounts.unknown,
    }


def _health(state: LoadState) -> HealthData | None:
    """Return the result of CheckHealth without its times, with the id of the dataset's own bucket."""
    if "health" not in state:
        return None
    health, dataset = state["health"], state["file"]["dataset"] if "file" in state else ""
    return {
        "status": health["status"],
        "response_time_ms": health["response_time_ms"],
        "version": health["version"],
        "bucket": health["bucket"],
        "bucket_id": health.get("bucket_ids", {}).get(dataset, ""),  # a former release recorded no ids
    }


def _name_source(data: LoadData, state: LoadState) -> None:
    """Add which object the load is about: the pinned one, or else the one that the event names, if it is readable."""
    file = state.get("file")
    if file and file["load_id"]:
        data["load_id"] = file["load_id"]
        data["bucket"], data["key"], data["version_id"] = file["bucket"], file["key"], file["version_id"]
        return
    try:
        requested = requested_object(state["event"])
    except DataError:
        return
    data["bucket"], data["key"], data["version_id"] = requested.bucket, requested.key, requested.version_id


def _name_report(data: LoadData, state: LoadState) -> None:
    file, execution = state.get("file"), state["execution"]["name"]
    dataset, load_id = (file["dataset"] or UNPLANNED, file["load_id"]) if file else (UNPLANNED, UNPLANNED)
    data["report"] = report_key(dataset, load_id, execution, "json")
    data["report_page"] = f"s3://{work_bucket()}/{report_key(dataset, load_id, execution, 'html')}"
