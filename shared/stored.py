"""What functions leave for each other in the work bucket, as JSON. The keys are those of `shared/work_bucket.py`."""

from typing import NamedTuple, TypedDict

from shared.events import Chunk


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
    """One reason why rows were set aside, with the first of them."""

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


class ChunkOutcome(TypedDict):
    """What became of a chunk's points: batch number (as text, since JSON) → points written, points refused.

    A batch stands in `written` once each of its points is written or refused. Before `not_before` (ISO 8601, UTC;
    "" without a limit) InfluxDB wants no request. `latencies_ms` counts requests by the upper bound of their time;
    `started_at` is the first invocation's, `ended_at` the last one's (ISO 8601, UTC).
    """

    chunk: str
    points: int
    batches: int
    written: dict[str, int]
    refused: dict[str, int]
    requests: int
    latencies_ms: dict[str, int]
    started_at: str
    ended_at: str
    seconds: float
    not_before: str


class RefusedPoint(TypedDict):
    """A line that InfluxDB refuses by itself, with the server's status and words."""

    source_row: int
    line: str
    status: int
    message: str
