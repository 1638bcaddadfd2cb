"""The JSON objects that functions store in the work bucket for each other.

Their keys are those of `shared/work_bucket.py`.
"""

from typing import Final, Literal, NotRequired, TypedDict

from shared.calendars import Periods
from shared.events import Chunk, Span
from shared.profiles import Profile, TagValues

REJECTED = "refused_by_influxdb"
"""The rule of points that InfluxDB rejected; all other rules are those of conversion."""

COLLISION: Final = "collision"
COLLISION_REASON = "a later row has the same series and time but another value"
"""The rule and the reason of rows that a later row of the file contradicts."""

Fate = Literal["not_sent", "unknown", "rejected", "stored"]
"""The fate of a point: unknown means that it was sent, but InfluxDB did not acknowledge it, so it may be stored."""


Verdict = Literal["loaded", "partly loaded"]
"""The verdict on a load that ended well: some rows are quarantined or some points are not stored, or not."""


class Batch(TypedDict):
    """The body of one write request: the gzip member of the chunk at [offset, offset + length).

    `rows` are the source rows of its lines, in order, as [first, count] ranges.
    """

    offset: int
    length: int
    points: int
    rows: list[list[int]]


class Manifest(TypedDict):
    """The object next to each chunk that lists its batches."""

    batches: list[Batch]


class SetAsideRow(TypedDict):
    """A row of the file. `record` holds its values by column, as text that may be truncated."""

    source_row: int
    record: dict[str, str]


class SetAsideReason(TypedDict):
    """One reason why rows were set aside or points rejected, with the first of them as samples.

    `reason` is a kind of InfluxDB's messages (`shared/rejections.py`), and `example` one of them. Rows have no example.
    """

    rule: str
    reason: str
    example: NotRequired[str]
    rows: int
    samples: list[SetAsideRow]


class PartOutcome(TypedDict):
    """The outcome of a part: rows = points + collapsed + the sum of `set_aside`.

    Attributes:
        set_aside: the number of rows by rule.
        fields_left_out: the number of values that are NaN or infinite, by field.
        out_of_bounds: the number of values outside the soft bounds, by field.
        ignored_columns: columns that the dataset does not declare.
        all_null: the number of rows in `set_aside` whose fields are all null.
        unreadable_columns: ignored columns that Arrow cannot read, so that the quarantine lacks them. Former releases
            did not record them.
        collision_columns: ignored columns that would distinguish the colliding rows.
        superseded: the number of points that no chunk contains any more, since a newer revision has values for all of
            their fields. Absent if there are none.
        superseded_batches: how many fewer batches the chunks have than were staged first.
        superseded_by: the prefixes of the footprints of these revisions. With the source, they tell what the chunks
            contained after these have expired. Former releases did not record them.
        reasons: the most frequent reasons of `set_aside`.
        body_bytes: the size of the uncompressed line protocol.
        tag_values: the values of each tag in the points. Former releases did not record them.
        profile: None without points.
        local_times: whether times without a zone were read. Former releases did not record it.
        implausible_span: the first and the last time (ns) of the rows with rule `implausible_time`; None without any.
        calendar: the points and series by day (`shared/calendars.py`). Former releases stored no footprint either.
        started_at: when the conversion began (ISO 8601, UTC).
    """

    part: int
    rows: int
    points: int
    collapsed: int
    set_aside: dict[str, int]
    all_null: int
    fields_left_out: dict[str, int]
    out_of_bounds: dict[str, int]
    ignored_columns: list[str]
    unreadable_columns: NotRequired[list[str]]
    collision_columns: list[str]
    reasons: list[SetAsideReason]
    batches: int
    chunks: list[Chunk]
    body_bytes: int
    series: int
    tag_values: NotRequired[dict[str, TagValues]]
    profile: Profile | None
    superseded: NotRequired[int]
    superseded_batches: NotRequired[int]
    superseded_by: NotRequired[list[str]]
    local_times: NotRequired[bool]
    implausible_span: NotRequired[list[int] | None]
    calendar: NotRequired[list[Periods]]
    started_at: str
    seconds: float


class Run(Span):
    """One invocation of a function. `then` is the state after which it continued, or "" if it finished or failed."""

    then: Literal["", "WaitForInflux"]


class ChunkOutcome(TypedDict):
    """The outcome of a chunk. Batch numbers are text, as keys of JSON are.

    Attributes:
        written: the number of points written, by batch; only of finished batches, which are not sent again.
        refused: the number of points rejected, by batch.
        unknown: the number of points whose fate stays unknown, by finished batch.
        unfinished: the fates of the lines of batches that were started but not finished, in the order of the lines, as
            [fate, number of lines].
        not_started: the number of points in batches that were not started.
        running: True while an invocation sends batches, and for ever if it was killed. Meanwhile, the fate of all
            points is unknown that are neither in finished batches nor stored.
        requests: the number of write requests.
        search_requests: the number of those that searched for rejected points.
        server_errors: the number of invocations that ended because InfluxDB answered 500.
        latencies_ms: the number of requests, by the upper bound of their latency.
        slowest_ms: the longest latency.
        runs: the invocations, except those that were killed. An execution's history of 25,000 events limits them.
        not_before: when InfluxDB accepts requests again (ISO 8601, UTC), or "".
        reasons: the most frequent kinds of rejections.
    """

    chunk: str
    points: int
    batches: int
    written: dict[str, int]
    refused: dict[str, int]
    unknown: dict[str, int]
    unfinished: dict[str, list[tuple[Fate, int]]]
    not_started: int
    running: bool
    requests: int
    search_requests: int
    server_errors: int
    latencies_ms: dict[str, int]
    slowest_ms: float
    runs: list[Run]
    seconds: float
    not_before: str
    reasons: list[SetAsideReason]


class RejectedPoint(TypedDict):
    """A line that InfluxDB rejected, with the status and the message of its reply.

    `fate` is "unknown" for a line that may be stored nevertheless. `batch` is the number of its batch in the chunk.
    """

    source_row: int
    batch: int
    fate: Fate
    line: str
    status: int
    message: str


class OverlappingFiles(TypedDict):
    """The other files that may have values for the points of a load, in a dataset without revisions.

    Attributes:
        overlapping: the objects that have a value for the same field of a point.
        not_compared: the objects of the same time whose footprint is missing.
        more: how many more objects of the same time were not compared; an earlier release compared all.
    """

    overlapping: list[str]
    not_compared: list[str]
    more: NotRequired[int]
