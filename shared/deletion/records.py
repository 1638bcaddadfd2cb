"""What a deletion stores in the work bucket, below `deletions/<deletion>/`: its plan, its progress, and before-images.

The footprints of the stale and of the current points are stored with the plan, so that a deletion judges what is stored
by the same footprints from its first to its last step.
"""

from typing import Literal, NotRequired, TypedDict

from shared.deletion.requests import Cover

DELETIONS = "deletions"
"""The first folder of everything that deletions store."""

IMAGE = "/before.parquet"
"""How the keys of before-images end."""

RequestStatus = Literal["planned", "sent", "done", "stopped"]
"""How far a request is: not sent; sent, and possibly not done; done, and all current points are there; not sent, or not
sent again, since it would also remove points that no footprint has, since what is stored is in doubt, or since newer
files were loaded meanwhile.
"""

DeletionStatus = Literal["waiting", "running", "done", "outdated", "refused"]
"""How far a deletion is: it waits for loads; it has further requests; it has ended; it has ended early, since newer
files were loaded after the plan was made; nothing more is done, for a reason that a person must know.
"""

FINAL: tuple[DeletionStatus, ...] = ("done", "outdated", "refused")
"""After these, there is no further step."""


class DeleteCall(TypedDict):
    """The event of DeletePoints: the deletion whose next step to do.

    Attributes:
        deletion: The id of the deletion.
        restore: Whether to write its before-images back, and not to delete; absent means false.
    """

    deletion: str
    restore: NotRequired[bool]


class DeletionState(TypedDict):
    """The reply of DeletePoints.

    Attributes:
        status: How far the deletion is.
        requests: The number of requests of the plan.
        finished: How many of them are done or stopped.
        removed: The number of stale points that were removed.
        rewritten: The number of current points that were written again.
        restored: The number of points that were written back from before-images.
        expired: The number of points that could not be written again or back, since they are older than the bucket's
            retention period; absent if a former release recorded the end.
        foreign: The first points of other writers, for which requests were not sent.
        doubts: Why what was read may not be all that is stored, for which requests were not sent.
        seconds: How long InfluxDB took for all requests.
        waits_for: The executions, or the objects, for which it waits, or which made the plan outdated; or the reason
            for which nothing more is done.
    """

    status: DeletionStatus
    requests: int
    finished: int
    removed: int
    rewritten: int
    restored: int
    expired: NotRequired[int]
    foreign: list[str]
    doubts: list[str]
    seconds: float
    waits_for: list[str]


class StoredRequest(TypedDict):
    """One request of a plan (`shared.deletion.requests.DeleteRequest`), as JSON."""

    tags: list[list[str]]
    first_ns: int
    last_ns: int
    cover: Cover
    stale: int
    rewritten: int


class Approval(TypedDict):
    """What spoke against a deletion when it was planned, and whether a person approved it nevertheless.

    Attributes:
        force: Whether a person approved it whatever speaks against it.
        reasons: What spoke against it.
        max_stale_rate: The share of the points that replaced loads wrote that may be deleted without `force`.
        written: How many points these loads wrote.
    """

    force: bool
    reasons: list[str]
    max_stale_rate: float
    written: int


class Deletion(TypedDict):
    """A deletion that a person started. It is stored before its first request, and never changes.

    Attributes:
        deletion: Its id.
        influxdb_bucket: The InfluxDB bucket.
        measurement: The measurement.
        datasets: The datasets with this measurement in this bucket, whose loads must not write meanwhile.
        field_names: The fields of the footprints, in the order of the bits of their masks.
        planned_at: When the ledger was read for the plan (ISO 8601, UTC).
        seconds: How long InfluxDB is estimated to take for one request.
        requests: The requests.
        approval: What DeletePoints checks before it deletes anything; absent in the plans of a former release, which
            it does not execute.
    """

    deletion: str
    influxdb_bucket: str
    measurement: str
    datasets: list[str]
    field_names: list[str]
    planned_at: str
    seconds: float
    requests: list[StoredRequest]
    approval: NotRequired[Approval]


class RequestProgress(TypedDict):
    """The progress of one request.

    Attributes:
        status: How far it is.
        sent_at: When it was sent last (ISO 8601, UTC); "" if it was not.
        seconds: How long InfluxDB took.
        removed: The number of stale points that it removed.
        rewritten: The number of current points that were written again.
        foreign: The first points of other writers that it would remove.
        doubts: Why what was read may not be all that is stored, or what became of points that were written again;
            absent if it was not sent or there were none.
        expired: The number of points that InfluxDB did not accept again, since they are older than the bucket's
            retention period; absent if none had to be written.
        restored: The number of points that were written back from the before-image; absent if that did not happen.
    """

    status: RequestStatus
    sent_at: str
    seconds: float
    removed: int
    rewritten: int
    foreign: list[str]
    doubts: NotRequired[list[str]]
    expired: NotRequired[int]
    restored: NotRequired[int]


def plan_key(deletion: str) -> str:
    """Return the key of a `Deletion`."""
    return f"{DELETIONS}/{deletion}/plan.json"


def stale_key(deletion: str) -> str:
    """Return the key of the footprint of the stale points."""
    return f"{DELETIONS}/{deletion}/stale.parquet"


def current_key(deletion: str) -> str:
    """Return the key of the footprint of the points to keep in the time of the stale ones."""
    return f"{DELETIONS}/{deletion}/current.parquet"


def optional_key(deletion: str) -> str:
    """Return the key of the footprint of those points to keep that InfluxDB may lack."""
    return f"{DELETIONS}/{deletion}/optional.parquet"


def progress_key(deletion: str, request: int) -> str:
    """Return the key of a `RequestProgress`, which exists once the request has begun."""
    return f"{DELETIONS}/{deletion}/{request:03}/progress.json"


def image_key(deletion: str, request: int) -> str:
    """Return the key of a before-image: all points that the request may remove, with their values, as Parquet."""
    return f"{DELETIONS}/{deletion}/{request:03}{IMAGE}"


def removed_key(deletion: str, request: int) -> str:
    """Return the key of the stale points that a request removed before it stopped, with their values, as Parquet."""
    return f"{DELETIONS}/{deletion}/{request:03}/removed.parquet"


def end_key(deletion: str) -> str:
    """Return the key of the `DeletionState` that exists once a deletion has ended."""
    return f"{DELETIONS}/{deletion}/end.json"


def stale_records_key(deletion: str) -> str:
    """Return the key of the ledger's records of stale points, as they were when the deletion ended."""
    return f"{DELETIONS}/{deletion}/stale_records.json"
