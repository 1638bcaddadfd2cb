"""The response of a backfill: the contract's shape, about many files."""

from datetime import datetime
from typing import Any

from functions.report_backfill.standings import Standings
from shared.events import BackfillState, Response
from shared.responses import response, seconds_since

NAMED_FILES = 20
"""A response names this many files that are not loaded; the report names all."""


def success(state: BackfillState, found: Standings, report: str, now: datetime) -> Response:
    """Some may have failed: as many as were tolerated."""
    return response(200, _summary(found), _data(state, found, report, now), now)


def gave_up(state: BackfillState, found: Standings, report: str, now: datetime) -> Response:
    """Too many failed, or the prefix could not be listed."""
    error = state["error"]
    message = f"{error['Error']}: {error['Cause']}: {_summary(found)}"
    return response(500, message, {"error": error["Error"]} | _data(state, found, report, now), now)


def _summary(found: Standings) -> str:
    if not found.not_loaded:
        return f"All {found.files} files are loaded"
    return f"{found.loaded} of {found.files} files are loaded: {_named(found)}"


def _named(found: Standings) -> str:
    count = len(found.not_loaded)
    if count <= NAMED_FILES:
        return f"data.not_loaded names the other {count}"
    return f"data.not_loaded names {NAMED_FILES} of the other {count}, the report all"


def _data(state: BackfillState, found: Standings, report: str, now: datetime) -> dict[str, Any]:
    return {
        "bucket": state["bucket"],
        "prefix": state["prefix"],
        "files": found.files,
        "loaded_files": found.loaded,
        "not_loaded": found.not_loaded[:NAMED_FILES],
        "report": report,
        "processing_time_seconds": seconds_since(state["execution"]["start_time"], now),
    }
