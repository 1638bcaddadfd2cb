"""The response of an execution, which has one shape for a load, a skip, a failure and a backfill, and its report.

`response` builds a response. Its `data` is `LoadData` or `BackfillData`; the reports in the work bucket, `LoadReport`
and `BackfillReport`, contain the response.
"""

from datetime import UTC, datetime
from typing import Generic, NotRequired, TypedDict, TypeVar

from shared.events import BackfillState, Execution, Failure, FileRef, Health
from shared.plausibility import Plausibility
from shared.stale.report import StaleReport
from shared.stored import ChunkOutcome, PartOutcome, Verdict

Data = TypeVar("Data")


class ConversionStats(TypedDict):
    """The rows of a file by their result. `conversion_rate` is points divided by rows, 1.0 for a file without rows."""

    input_rows: int
    output_points: int
    conversion_rate: float
    collapsed_rows: int
    set_aside_rows: dict[str, int]
    fields_left_out: dict[str, int]
    refused_points: int


class HealthData(TypedDict):
    """The result of CheckHealth without its times, which only the timeline needs.

    `bucket_id` is the id of the bucket that the file's dataset is written to, "" if it is not checkable.
    """

    status: str
    response_time_ms: float
    version: str
    bucket: str
    bucket_id: NotRequired[str]


class PointsData(TypedDict):
    """The converted points by fate: see `shared.accounts.Accounts`. Their sum is `output_points`.

    `superseded` is absent in reports of earlier releases.
    """

    stored: int
    rejected: int
    superseded: NotRequired[int]
    not_sent: int
    unknown: int


class FootprintData(TypedDict):
    """The footprint of a load; all values are "" if there is none.

    Attributes:
        prefix: The prefix of its objects in the work bucket, one for each part of the file.
        measurement: The measurement of the points.
        first_time: The first time of the points (ISO 8601, UTC, nanoseconds); "" without points.
        last_time: The last time of the points.
        calendar: The points and series by day, as JSON (`shared/calendars.py`).
    """

    prefix: str
    measurement: str
    first_time: str
    last_time: str
    calendar: str


class LoadData(TypedDict):
    """The data of a load, of a skipped object or of a failed load.

    Attributes:
        dataset_type: The dataset, or None if the key names none.
        influxdb_health: The result of CheckHealth, or None if the load ended before it.
        points: The converted points by fate; absent in reports of earlier releases.
        footprint: Which points the load planned to write; absent in reports of earlier releases and for skipped
            objects.
        verdict: The verdict on a file that is loaded; absent for a skipped object and a failed load.
        load_id: The load ID; absent, like the next three, if the load ended before the object was pinned.
        bucket: The bucket of the object; absent if the event names no object.
        key: The key of the object; absent if the event names no object.
        version_id: S3's version id; absent if the event names no object.
        report: The key of the JSON report in the work bucket; absent for a skipped object.
        report_page: The address of the report's page; absent for a skipped object.
        error: The error name; only a failed load has it.
        stale: The points that the load made stale, or the error of the search; absent if it replaced nothing.
        unsettled: The error that kept the ledger from recording the load; usually absent.
    """

    points_written: int
    batches_processed: int
    dataset_type: str | None
    processing_time_seconds: float
    conversion_stats: ConversionStats
    points: NotRequired[PointsData]
    footprint: NotRequired[FootprintData]
    influxdb_health: HealthData | None
    verdict: NotRequired[Verdict]
    load_id: NotRequired[str]
    bucket: NotRequired[str]
    key: NotRequired[str]
    version_id: NotRequired[str]
    report: NotRequired[str]
    report_page: NotRequired[str]
    error: NotRequired[str]
    stale: NotRequired[StaleReport | Failure]
    unsettled: NotRequired[Failure]


class UnloadedFile(TypedDict):
    """A file that is not in InfluxDB, and why. `execution` and `report` are those of its last load, or ""."""

    key: str
    status: str
    error: str
    message: str
    execution: str
    report: str


class BackfillData(TypedDict):
    """The data of a backfill.

    Attributes:
        bucket: The source bucket.
        prefix: The prefix of the files.
        files: The number of files that the backfill listed.
        loaded_files: The number of files whose latest version is loaded.
        reloaded_files: How many of them this backfill loaded again, because their InfluxDB bucket had been replaced.
        not_checkable_files: How many of them may have been loaded into a bucket that has been replaced since: the
            ledger has no id of their bucket, or InfluxDB does not tell the current one.
        partly_loaded_files: How many of them are partly loaded.
        partly_loaded: The keys of the first of these.
        skipped_objects: The number of objects under the prefix that are not files to load, by
            `shared.file_keys.SkipKind`, and "undone" for those whose load was undone.
        tables: The folders of Delta or Iceberg tables under the prefix, of which removed files may have been loaded.
        older_revisions: The number of files that were not loaded because a newer revision of their slot replaces them.
            They are not among `files`.
        not_loaded: The first of the files that are not loaded.
        report: The key of the report in the work bucket.
        report_page: The address of the report's page; absent in responses of earlier releases.
        processing_time_seconds: The time that the backfill took.
        error: The error name; only a backfill that failed has it.
    """

    bucket: str
    prefix: str
    files: int
    loaded_files: int
    reloaded_files: NotRequired[int]
    not_checkable_files: NotRequired[int]
    partly_loaded_files: NotRequired[int]
    partly_loaded: NotRequired[list[str]]
    skipped_objects: NotRequired[dict[str, int]]
    tables: NotRequired[list[str]]
    older_revisions: NotRequired[int]
    not_loaded: list[UnloadedFile]
    report: str
    report_page: NotRequired[str]
    processing_time_seconds: float
    error: NotRequired[str]


class Response(TypedDict, Generic[Data]):
    """The output of an execution, or, as JSON, the cause of its failure. `timestamp` is UTC without a zone."""

    statusCode: int
    message: str
    timestamp: str
    data: Data


class Findings(TypedDict):
    """All findings about the schema of a file, and the columns that the file has; empty unless there are findings."""

    findings: list[str]
    columns: list[str]


class LoadReport(Findings):
    """The JSON report of a load. `failed_state` is "" for a load that succeeded.

    `chunks_again` are those that were written again after an older load. A former release did not report them.
    """

    response: Response[LoadData]
    parts: list[PartOutcome]
    chunks: list[ChunkOutcome]
    chunks_again: NotRequired[list[ChunkOutcome]]
    event: object
    execution: Execution
    health: Health | None
    file: FileRef | None
    failed_state: str
    plausibility: Plausibility


class BackfillReport(TypedDict):
    """The JSON report of a backfill. It names every file that is not or only partly loaded, the response the first."""

    response: Response[BackfillData]
    not_loaded: list[UnloadedFile]
    partly_loaded: list[str]
    input: BackfillState


def response(status: int, message: str, data: Data, now: datetime) -> Response[Data]:
    """Return the response. Its timestamp is UTC without a zone, with six digits of the second."""
    timestamp = now.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return {"statusCode": status, "message": message, "timestamp": timestamp, "data": data}


def seconds_since(start_time: str, now: datetime) -> float:
    """Return the seconds from `start_time` (ISO 8601) to `now`, in milliseconds' precision."""
    return round((now - datetime.fromisoformat(start_time)).total_seconds(), 3)
