"""The events that states pass to each other: references and counts, but no rows, since a state may hold 256 KiB."""

from collections.abc import Mapping
from typing import Literal, NotRequired, TypedDict

from shared.stale.report import StaleReport

Layout = Literal["wide", "long"]


class Execution(TypedDict):
    """An execution: its ARN, name and start time (ISO 8601, UTC)."""

    id: str
    name: str
    start_time: str


class Span(TypedDict):
    """A start and an end time (ISO 8601, UTC, milliseconds)."""

    started_at: str
    ended_at: str


class Health(TypedDict):
    """The result of state CheckHealth.

    Attributes:
        bucket: "not checkable" if this server or token cannot list buckets.
        shard_seconds: the shard group duration of each dataset's bucket, by dataset, if the bucket can be listed.
        bucket_ids: the id of each dataset's bucket, by dataset; "" for one that is not checkable. A bucket that is
            created anew gets a new id. A former release recorded none.
    """

    status: Literal["healthy"]
    response_time_ms: float
    version: str
    bucket: Literal["found", "not checkable"]
    bucket_ids: NotRequired[dict[str, str]]
    shard_seconds: NotRequired[dict[str, int]]
    ran: Span


class Outage(TypedDict):
    """The time for which a state waits for InfluxDB, until it makes progress again. All times are ISO 8601, UTC.

    Attributes:
        since: when InfluxDB last accepted a batch of the chunk, or the first failure; "" if the state does not wait.
        give_up_at: when the load fails unless InfluxDB has accepted something until then.
        not_before: when the state tries again.
        waits: how often the state has waited so far.
        reason: the last failure.
    """

    since: str
    give_up_at: str
    not_before: str
    waits: int
    reason: str


class Part(TypedDict):
    """The row groups from `first_group` up to, but not including, `end_group`. Rows of the file count from 0.

    Attributes:
        last_modified: when the object was last modified, in seconds since 1970, from which the latest plausible time
            is counted. If it is absent, a former release planned the load, and no time is implausible.
        file_parts: the number of parts of the file.
    """

    part: int
    first_group: int
    end_group: int
    first_row: int
    rows: int
    last_modified: NotRequired[int]
    file_parts: NotRequired[int]


class SourceFile(TypedDict):
    """One version of one object. In an unversioned bucket `version_id` is "", and `etag` identifies the version."""

    load_id: str
    bucket: str
    key: str
    version_id: str
    etag: str
    size: int
    dataset: str
    layout: Layout


class Claim(TypedDict):
    """A request to claim one version of one object, from `now` until `lease_until` (ISO 8601, UTC, seconds).

    Attributes:
        object: the first half of the ledger's key.
        version: the second half; "" for an object that is not to be loaded.
        last_modified: seconds since 1970; orders the versions of an object.
        sequencer: S3's sequencer, which orders them too; "" if the input has none.
        now: the time of the claim.
        lease_until: the end of the claim if the execution does not settle it.
        force: claim the version whatever the ledger says.
        override_slot: load the file although a newer revision has its slot. A former release had no such key, and a
            forced load did.
    """

    object: str
    version: str
    last_modified: int
    sequencer: str
    now: str
    lease_until: str
    force: bool
    override_slot: NotRequired[bool]


class PlannedFile(SourceFile):
    """A file whose footer has been read: its layout, its rows, and the parts to convert."""

    rows: int
    parts: list[Part]


class FileRef(PlannedFile):
    """The result of PinSource (the pinned object and its claim) and of ValidateSchema (also the plan).

    Attributes:
        claim: the request to the ledger.
        skipped: the reason not to load this object; "" to load it.
        not_before: when to look again, because an older version is being loaded (ISO 8601, UTC); "" if none is.
        ran: when each state ran, for the last time. WaitForOlder counts from the first wait to the end of the last.
        has_other_versions: whether the ledger has other versions of the object, which ValidateSchema finds; absent in
            executions of an earlier release.
        may_replace: whether the load may replace another one: of the same object, or of its slot. ValidateSchema finds
            it; absent as above.
        table: the folder of the Delta or Iceberg table that the file seems to belong to, None if there is none.
            ValidateSchema finds it; absent as above.
    """

    claim: Claim
    skipped: str
    not_before: str
    ran: dict[str, Span]
    has_other_versions: NotRequired[bool]
    may_replace: NotRequired[bool]
    table: NotRequired[str | None]


class PartRef(TypedDict):
    """The input of states ConvertAndChunk and ConvertAgain. `execution` is the execution's name.

    `losing_rows` is true in ConvertAgain: rows of the part lose their place to rows of later parts.
    """

    execution: str
    file: SourceFile
    part: Part
    losing_rows: NotRequired[bool]


class Chunk(TypedDict):
    """One staged object, which one WriteBatch writes. `chunk` is "<part>-<number>"."""

    chunk: str
    sha256: str
    points: int


class ConvertedChunks(TypedDict):
    """The result of the Map over ConvertAndChunk, or over ConvertAgain."""

    chunks: list[Chunk]


class ChunksToWrite(TypedDict):
    """The result of CompareParts, RegisterLoad and ConfirmWritten: the chunks to write next.

    After ListChunks, and in executions of a former release, it has only `chunks`.

    Attributes:
        chunks: the chunks; empty if nothing is left to write. After CompareParts, those of the parts that keep all of
            their rows.
        losing: after CompareParts, the parts that have rows that lose their place to rows of later parts.
        again: after ConvertAgain, the chunks of these parts without the rows.
        written: whether the execution is marked as written.
        outlasted: the number of older loads after whose end chunks are written again (`outlasted_key`). In executions
            of an earlier release, the names of their registrations.
        not_before: when to look again, because an older load is still writing (ISO 8601, UTC); "" if none is.
        waits: how many times in a row the execution waited for older loads.
    """

    chunks: list[Chunk]
    losing: NotRequired[list[Part]]
    again: NotRequired[ConvertedChunks]
    written: NotRequired[bool]
    outlasted: NotRequired[int | list[str]]
    not_before: NotRequired[str]
    waits: NotRequired[int]


class ConvertedPart(TypedDict):
    """The result of state ConvertAndChunk."""

    part: int
    rows: int
    points: int
    chunks: list[Chunk]


class ChunkRef(Chunk):
    """The input of state WriteBatch.

    `bucket` and `key` are the source's, for log lines; `execution` is the execution's name.

    Attributes:
        outage: how long the chunk waits for InfluxDB. Executions that began under an earlier release do not pass it.
        waits: how many times in a row such an execution came back to this chunk without a batch being written.
        lease_until: the end of the load's lease (ISO 8601, UTC). Such executions do not pass it either.
    """

    load_id: str
    bucket: str
    key: str
    dataset: str
    execution: str
    outage: NotRequired[Outage]
    waits: NotRequired[int]
    lease_until: NotRequired[str]


class ChunkProgress(TypedDict):
    """The result of state WriteBatch, which only executions that began under an earlier release read.

    If not `written`, they call WriteBatch again at `not_before` (ISO 8601, UTC). Others are told by a WriteLaterError.
    """

    chunk: str
    written: bool
    next_batch: int
    not_before: str
    waits: int


class FailureSummary(TypedDict):
    """The result of state ReportFailure, for FailLoad and the ledger. `cause` is a `Response` as JSON.

    `points` is that of the response: the converted points by fate, and `footprint` its footprint. A backfill has none.
    """

    error: str
    cause: str
    message: str
    report: str
    points: NotRequired[Mapping[str, int]]
    footprint: NotRequired[Mapping[str, str]]


class Failure(TypedDict):
    """An error as a Catch of Step Functions passes it on."""

    Error: str
    Cause: str


class SeriesCount(TypedDict):
    """The result of state CheckSeries: the number of series of a file with several parts."""

    series: int


class LoadState(TypedDict):
    """The state of the loader state machine, and the input of most functions. Keys are added as states succeed.

    `stale` is {} unless FindStale ran; then it is its result, or the error that it ended with.
    """

    event: object
    execution: Execution
    outage: NotRequired[Outage]
    health: NotRequired[Health]
    file: NotRequired[FileRef]
    converted: NotRequired[ChunksToWrite]
    series: NotRequired[SeriesCount]
    stale: NotRequired[StaleReport | Failure]
    error: NotRequired[Failure]


class ListPosition(TypedDict):
    """A position in the listing of a bucket: the key and the version ID before it; "" at the start."""

    key: str
    version: str


class FileList(TypedDict):
    """The result of state ListFiles: one list of files to load. A backfill of many files makes several, in turn.

    Attributes:
        number: The number of the list, counted from 0.
        key: The key of the list in the work bucket: a `ListedFile` in each line, as JSON.
        files: The number of files in it.
        next: Where the next list begins; None after the last one.
        note: Why a sweep loads no files although there may be some, or "".
    """

    number: int
    key: str
    files: int
    next: ListPosition | None
    note: str


class BackfillState(TypedDict):
    """The state of the backfill, and the input of its functions: the input merged into defaults.

    A former release passes only the required keys.

    Attributes:
        force: Load all files again.
        all_revisions: List files of older revisions too, where the newest revision of a slot replaces the others.
        sweep: Load what failed or was abandoned and can heal, instead of all files.
        manifest: The key of an object in the work bucket that has the keys of the files (`loader backfill --manifest`).
            Without it, the files are those under `prefix`.
        list_bucket: Let the sweep look for objects that the ledger does not have, although that is not due yet, and
            although the event of a new object may still come.
        unhealthy: The error of CheckHealth in a sweep, which ends then.
    """

    bucket: str
    prefix: str
    max_concurrency: int
    tolerated_failure_percentage: float
    force: NotRequired[bool]
    all_revisions: NotRequired[bool]
    sweep: NotRequired[bool]
    manifest: NotRequired[str]
    list_bucket: NotRequired[bool]
    execution: Execution
    health: NotRequired[Health]
    unhealthy: NotRequired[Failure]
    list: NotRequired[FileList]
    error: NotRequired[Failure]


SOURCE_FIELDS = tuple(SourceFile.__annotations__)
"""The keys that a `SourceFile` has, and that a `FileRef` passes on to the parts."""
