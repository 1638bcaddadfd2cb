"""The progress of a chunk in the work bucket, which keeps it between the invocations of one execution.

`chunk_progress` loads the outcome that earlier invocations stored, and stores it again when its block ends, whatever
ended it. `announce` marks it as running before the first request, in case the function is killed. Rejected points are
in a file of their own (`_quarantine_key`).
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING, cast

from functions.write_batch.progress import Progress
from shared.errors import LoadEndedError, SourceNotFoundError
from shared.events import ChunkRef
from shared.logs import logger
from shared.settings import work_bucket
from shared.source import source_errors
from shared.stored import ChunkOutcome, RejectedPoint
from shared.times import span_since, utc_seconds
from shared.work_bucket import end_key, get_json, outcome_key, points_quarantine_key, put_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@contextmanager
def chunk_progress(client: "S3Client", ref: ChunkRef) -> Iterator[Progress]:
    """Load the progress of earlier invocations for a `with` block, and store it after the block, even if that fails.

    If the function is killed, what `announce` stored remains.
    """
    started_at, start = datetime.now(UTC), perf_counter()
    progress = _load(client, ref)
    try:
        yield progress
    finally:
        progress.outcome["seconds"] += round(perf_counter() - start, 3)
        progress.outcome["runs"].append({**span_since(started_at), "then": progress.then})
        progress.outcome["running"] = False
        progress.close()
        _store(client, ref, progress)


def announce(client: "S3Client", ref: ChunkRef, progress: Progress) -> None:
    """Store that batches are being sent from now on: nobody could tell otherwise if this function is killed.

    A report of a load that fails meanwhile counts their points as unknown.

    Raises:
        LoadEndedError: The load failed before this was stored, so its report does not count them; or other loads count
            the execution as ended, since it was redriven.
    """
    now = span_since(datetime.now(UTC))
    running: ChunkOutcome = {
        **progress.outcome,
        "running": True,
        "runs": [*progress.outcome["runs"], {**now, "then": ""}],
    }
    _put_outcome(client, ref, running)
    if _is_ended(client, ref):
        raise LoadEndedError(
            f"the load of {ref['key']} has ended: chunk {ref['chunk']} is not sent any more. Load the file again"
        )


def _is_ended(client: "S3Client", ref: ChunkRef) -> bool:
    """Return whether the lease of the load is over, or something has ended it before.

    An execution reaches the end of its lease only if it is redriven: its time limit is shorter.
    """
    if (lease_until := ref.get("lease_until")) and lease_until <= utc_seconds(datetime.now(UTC)):
        return True
    key = end_key(ref["load_id"], ref["execution"])
    try:
        with source_errors(work_bucket(), key):
            client.get_object(Bucket=work_bucket(), Key=key)
    except SourceNotFoundError:
        return False
    return True


def _load(client: "S3Client", ref: ChunkRef) -> Progress:
    """Load the stored progress.

    The counts of unfinished batches are dropped: `Progress` has the fate of each of their lines.
    """
    key = outcome_key(ref["load_id"], ref["execution"], ref["chunk"])
    try:
        with source_errors(work_bucket(), key):
            stored = get_json(client, key)
    except SourceNotFoundError:
        return Progress(empty_outcome(ref))
    outcome = cast(ChunkOutcome, empty_outcome(ref) | stored)  # an earlier release may have stored fewer keys
    has_rejected = bool(outcome["refused"] or outcome["unknown"])
    outcome["refused"] = {
        number: points for number, points in outcome["refused"].items() if number in outcome["written"]
    }
    return Progress(outcome, _load_rejected(client, ref) if has_rejected else ())


def empty_outcome(ref: ChunkRef) -> ChunkOutcome:
    """Return the outcome of a chunk before its first request."""
    return ChunkOutcome(
        chunk=ref["chunk"],
        points=ref["points"],
        batches=0,
        written={},
        refused={},
        unknown={},
        unfinished={},
        not_started=ref["points"],
        running=False,
        requests=0,
        search_requests=0,
        server_errors=0,
        latencies_ms={},
        slowest_ms=0.0,
        runs=[],
        seconds=0.0,
        not_before="",
        reasons=[],
    )


def _quarantine_key(ref: ChunkRef) -> str:
    return points_quarantine_key(ref["dataset"], ref["load_id"], ref["execution"], ref["chunk"])


def _load_rejected(client: "S3Client", ref: ChunkRef) -> list[RejectedPoint]:
    with source_errors(work_bucket(), _quarantine_key(ref)):
        content = client.get_object(Bucket=work_bucket(), Key=_quarantine_key(ref))["Body"].read()
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


def _store(client: "S3Client", ref: ChunkRef, progress: Progress) -> None:
    """Store rejected points and outcome, in this order: an outcome never counts points that are not stored."""
    rejected = progress.rejected
    if rejected:
        with source_errors(work_bucket(), _quarantine_key(ref)):
            client.put_object(Bucket=work_bucket(), Key=_quarantine_key(ref), Body=_json_lines(rejected))
    _put_outcome(client, ref, progress.outcome)
    logger.info(
        "outcome",
        batches_done=progress.batches_done,
        points_written=progress.points_stored,
        points_refused=len(rejected),
        requests=progress.outcome["requests"],
    )


def _put_outcome(client: "S3Client", ref: ChunkRef, outcome: ChunkOutcome) -> None:
    key = outcome_key(ref["load_id"], ref["execution"], ref["chunk"])
    with source_errors(work_bucket(), key):
        put_json(client, key, outcome)


def _json_lines(rejected: Mapping[int, RejectedPoint]) -> bytes:
    """Return the points as gzipped JSON lines, ordered by source row."""
    points = (rejected[source_row] for source_row in sorted(rejected))
    return gzip.compress("".join(json.dumps(point, ensure_ascii=False) + "\n" for point in points).encode(), mtime=0)
