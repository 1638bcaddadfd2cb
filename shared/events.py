"""What states pass to each other: short references and counts, never rows (256 KiB a state)."""

from typing import Any, Literal, NotRequired, TypedDict

Layout = Literal["wide", "long"]


class Execution(TypedDict):
    """Who asks: the execution's ARN, name and start (ISO 8601, UTC)."""

    id: str
    name: str
    start_time: str


class Span(TypedDict):
    """From when to when something ran (ISO 8601, UTC, milliseconds)."""

    started_at: str
    ended_at: str


class Health(TypedDict):
    """State CheckHealth. `bucket` is "found", or "not checkable" where the server cannot tell."""

    status: Literal["healthy"]
    response_time_ms: float
    version: str
    bucket: Literal["found", "not checkable"]
    ran: Span


class Part(TypedDict):
    """Row groups `first_group` up to, not including, `end_group`; `first_row` counts from 0 over the file."""

    part: int
    first_group: int
    end_group: int
    first_row: int
    rows: int


class SourceFile(TypedDict):
    """One version of one object. `version_id` is "" in an unversioned bucket, where `etag` alone pins it."""

    load_id: str
    bucket: str
    key: str
    version_id: str
    etag: str
    size: int
    dataset: str
    layout: Layout


class Claim(TypedDict):
    """What the ledger is asked for: one version of one object, from `now` until `lease_until` (ISO 8601, UTC, seconds).

    `object` and `version` are the ledger's key, `version` "" for what is no load. `last_modified` (seconds since 1970)
    and S3's `sequencer` ("" where the input has none) order the versions of an object. `force` asks for no leave.
    """

    object: str
    version: str
    last_modified: int
    sequencer: str
    now: str
    lease_until: str
    force: bool


class PlannedFile(SourceFile):
    """A file whose footer was read, cut into parts. `layout` is known."""

    rows: int
    parts: list[Part]


class FileRef(PlannedFile):
    """States PinSource and ValidateSchema: the pinned object and its claim, and, by the latter, the plan.

    `skipped` says why this is not to be loaded, "" if it is. Before `not_before` (ISO 8601, UTC; "" without a limit)
    an older version of the object is still being loaded. `ran` says by state when it ran, the last time that it did;
    WaitForOlder from the first wait to the end of the last one.
    """

    claim: Claim
    skipped: str
    not_before: str
    ran: dict[str, Span]


class PartRef(TypedDict):
    """Input of state ConvertAndChunk. `execution` is the execution's name."""

    execution: str
    file: SourceFile
    part: Part


class Chunk(TypedDict):
    """One staged object, `chunk` = "<part>-<chunk>": what one WriteBatch takes."""

    chunk: str
    sha256: str
    points: int


class ConvertedPart(TypedDict):
    """State ConvertAndChunk."""

    part: int
    rows: int
    points: int
    chunks: list[Chunk]


class ChunkRef(Chunk):
    """Input of state WriteBatch. `execution` is the execution's name; `bucket` and `key` are for log lines.

    `next_batch` tells people how far it is; which batches are sent is decided by the chunk's outcome.
    `waits` counts the times WaitForInflux brought this chunk back without a batch written in between.
    """

    load_id: str
    bucket: str
    key: str
    dataset: str
    execution: str
    next_batch: int
    waits: int


class ChunkProgress(TypedDict):
    """State WriteBatch. Not `written`: come back at `not_before` (ISO 8601, UTC) and go on at `next_batch`."""

    chunk: str
    written: bool
    next_batch: int
    not_before: str
    waits: int


class Response(TypedDict):
    """The contract's answer: an execution's output, or, as JSON, its cause. `timestamp` is UTC without a zone."""

    statusCode: int
    message: str
    timestamp: str
    data: dict[str, Any]


class FailureSummary(TypedDict):
    """State ReportFailure: what FailLoad fails with, and what the ledger keeps. `cause` is a Response as JSON."""

    error: str
    cause: str
    message: str
    report: str


class Failure(TypedDict):
    """What a Catch of Step Functions reports."""

    Error: str
    Cause: str


class LoadState(TypedDict):
    """The state machine's state, and the input of most functions: what is known by then."""

    event: object
    execution: Execution
    health: NotRequired[Health]
    file: NotRequired[FileRef]
    converted: NotRequired[object]
    error: NotRequired[Failure]


class BackfillState(TypedDict):
    """The backfill's state, and the input of ReportBackfill and ReportGivenUp: the input over the defaults."""

    bucket: str
    prefix: str
    max_concurrency: int
    tolerated_failure_percentage: float
    execution: Execution
    error: NotRequired[Failure]


SOURCE_FIELDS = tuple(SourceFile.__annotations__)
