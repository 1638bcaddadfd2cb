"""What states pass to each other: short references and counts, never rows (256 KiB a state)."""

from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

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


class PartConverted(TypedDict):
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


class ChunkWritten(TypedDict):
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


class FailureReported(TypedDict):
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


class Batch(TypedDict):
    """One HTTP request's worth of a chunk: a gzip member at [offset, offset + length).

    `rows` are the source rows of its lines in order, as [first, count] ranges.
    """

    offset: int
    length: int
    points: int
    rows: list[list[int]]


class Manifest(TypedDict):
    """Beside each chunk: where its batches lie. JSON."""

    batches: list[Batch]


class Bucket(NamedTuple):
    """One field's values in the nanoseconds from `bucket` · `bucket_ns` on. A list of five in JSON."""

    bucket: int
    values: int
    low: float
    mean: float
    high: float


class Profile(TypedDict):
    """How the fields of a part's points run over time; buckets without values are left out.

    `bucket_ns` of one profile divides that of any coarser one.
    """

    first_ns: int
    last_ns: int
    bucket_ns: int
    fields: dict[str, list[Bucket]]


class SetAsideRow(TypedDict):
    """A row of the file; `record` is what its columns hold, as text that may be cut short."""

    source_row: int
    record: dict[str, str]


class SetAsideReason(TypedDict):
    """One reason why rows were set aside, or their points refused, with the first of them."""

    rule: str
    reason: str
    rows: int
    samples: list[SetAsideRow]


class PartOutcome(TypedDict):
    """What became of a part's rows: rows = points + collapsed + the sum of `set_aside` (rule → rows).

    The rest explains: `fields_left_out` (NaN or Inf) and `out_of_bounds` count values by field; `ignored_columns`
    are not the dataset's; `collision_columns` are those of them that would keep the colliding rows apart; `reasons`
    are the most frequent behind `set_aside`; `profile` is None without points; `started_at` is ISO 8601, UTC.
    """

    part: int
    rows: int
    points: int
    collapsed: int
    set_aside: dict[str, int]
    fields_left_out: dict[str, int]
    out_of_bounds: dict[str, int]
    ignored_columns: list[str]
    collision_columns: list[str]
    reasons: list[SetAsideReason]
    batches: int
    chunks: list[Chunk]
    body_bytes: int
    series: int
    profile: Profile | None
    started_at: str
    seconds: float


class Run(Span):
    """One invocation of a function; `then` is the state that it was brought back by, "" if it ended or failed."""

    then: Literal["", "WaitForInflux"]


class ChunkOutcome(TypedDict):
    """What became of a chunk's points: batch number (as text, since JSON) → points written, points refused.

    A batch stands in `written` once each of its points is written or refused. Before `not_before` (ISO 8601, UTC;
    "" without a limit) InfluxDB wants no request. `latencies_ms` counts requests by the upper bound of their time,
    `slowest_ms` is the longest. `runs` are the invocations, but not one that was killed; the execution's history of
    25,000 events bounds them. `reasons` are the server's most frequent answers behind `refused`.
    """

    chunk: str
    points: int
    batches: int
    written: dict[str, int]
    refused: dict[str, int]
    requests: int
    latencies_ms: dict[str, int]
    slowest_ms: float
    runs: list[Run]
    seconds: float
    not_before: str
    reasons: list[SetAsideReason]


class RefusedPoint(TypedDict):
    """A line that InfluxDB refuses by itself, with the server's status and words."""

    source_row: int
    line: str
    status: int
    message: str
