"""What functions leave for each other in the work bucket, as JSON. The keys are those of `shared/work_bucket.py`."""

from typing import Literal, NamedTuple, TypedDict

from shared.events import Chunk, Span

REJECTED = "refused_by_influxdb"
"""The rule, beside those of conversion."""


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


class Bin(NamedTuple):
    """One field's values in the nanoseconds from `number` · `bucket_ns` on. A list of five in JSON."""

    number: int
    values: int
    low: float
    mean: float
    high: float


class Profile(TypedDict):
    """How the fields of a part's points run over time; bins without values are left out.

    `bucket_ns` of one profile divides that of any coarser one.
    """

    first_ns: int
    last_ns: int
    bucket_ns: int
    fields: dict[str, list[Bin]]


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


class RejectedPoint(TypedDict):
    """A line that InfluxDB refuses by itself, with the server's status and words."""

    source_row: int
    line: str
    status: int
    message: str
