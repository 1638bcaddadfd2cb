"""The response of a backfill."""

from datetime import datetime

from functions.report_backfill.load_status import LoadStatus
from shared.events import BackfillState
from shared.ledger import object_name
from shared.responses import BackfillData, Response, response, seconds_since
from shared.settings import work_bucket
from shared.work_bucket import backfill_page_key

NAMED_FILES = 20
"""How many of the files that are not loaded a response names. The report names all."""


def success(state: BackfillState, files: LoadStatus, report: str, now: datetime) -> Response[BackfillData]:
    """Return the response of a backfill that ended. As many files as it tolerates may have failed.

    Args:
        state: The state of the backfill.
        files: The files under its prefix.
        report: The key of its report.
        now: The end of the backfill.
    """
    return response(200, _summary(state, files), _data(state, files, report, now), now)


def failure(state: BackfillState, files: LoadStatus, report: str, now: datetime) -> Response[BackfillData]:
    """Return the response of a backfill that gave up: too many files failed, or the prefix could not be listed.

    The arguments are those of `success`.
    """
    error = state["error"]
    message = f"{error['Error']}: {error['Cause']}: {_summary(state, files)}"
    data: BackfillData = {"error": error["Error"], **_data(state, files, report, now)}
    return response(500, message, data, now)


def _summary(state: BackfillState, files: LoadStatus) -> str:
    if "list" in state and (note := state["list"]["note"]):
        return f"No files were loaded: {note}"
    if files.files == 1:
        return _summary_of_one(files)
    notes = (
        (files.reloaded, "of them again because their bucket was replaced"),
        (len(files.partly_loaded), "of them partly"),
    )
    loaded = ", ".join(["are loaded", *(f"{count} {note}" for count, note in notes if count)])
    subject = "files" if files.complete else "files that were listed before the backfill ended"
    if not files.not_loaded:
        return f"All {files.files} {subject} {loaded}"
    return f"{files.loaded} of {files.files} {subject} {loaded}: {_listing_note(len(files.not_loaded))}"


def _summary_of_one(files: LoadStatus) -> str:
    subject = "The only file" if files.complete else "The only file that was listed before the backfill ended"
    if files.not_loaded:
        return f"{subject} is not loaded: data.not_loaded has the reason"
    notes = (
        (files.reloaded, "again because its bucket was replaced"),
        (len(files.partly_loaded), "but only partly"),
    )
    return ", ".join([f"{subject} is loaded", *(note for count, note in notes if count)])


def _listing_note(not_loaded: int) -> str:
    if not_loaded <= NAMED_FILES:
        return f"data.not_loaded names the other {'one' if not_loaded == 1 else not_loaded}"
    return f"data.not_loaded names {NAMED_FILES} of the other {not_loaded}, the report names all"


def _data(state: BackfillState, files: LoadStatus, report: str, now: datetime) -> BackfillData:
    return {
        "bucket": state["bucket"],
        "prefix": state["prefix"],
        "files": files.files,
        "loaded_files": files.loaded,
        "reloaded_files": files.reloaded,
        "not_checkable_files": files.not_checkable,
        "partly_loaded_files": len(files.partly_loaded),
        "partly_loaded": files.partly_loaded[:NAMED_FILES],
        "skipped_objects": files.skipped,
        "tables": files.tables,
        "older_revisions": files.older_revisions,
        "not_loaded": files.not_loaded[:NAMED_FILES],
        "report": report,
        "report_page": object_name(work_bucket(), backfill_page_key(state["execution"]["name"])),
        "processing_time_seconds": seconds_since(state["execution"]["start_time"], now),
    }
