"""The handler of state ListFiles, which makes the next list of files that a backfill or a sweep is to load.

A backfill's lists are those of `listing`, one after the other. A sweep's first list is made from the ledger, and once a
day, further ones from the bucket (`_sweep`).
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.list_files.last_load import publish_hours_since_last_load
from functions.list_files.listing import Listing, list_files
from functions.list_files.sweep import list_unloaded, record_given_up
from functions.list_files.unknown import list_unknown
from shared.aws_clients import s3_client
from shared.events import BackfillState, FileList, ListPosition
from shared.ledger import ledger
from shared.logs import log_invocations, logger
from shared.metrics import emit_backlog, emit_given_up
from shared.settings import sweep_since, work_bucket
from shared.source_pages import START
from shared.sweep_lease import record_bucket_listed, record_last_slot, take_lease
from shared.work_bucket import file_list_key, list_summary_key, put_json

RESERVE_MS = 120_000
"""The time that must be left to begin another page: to end it and to store the list, even if S3 is slow."""

LIST_BUCKET_EVERY = timedelta(days=1)
"""How often a sweep lists the bucket for objects that the ledger does not have."""

NEVER = datetime.min.replace(tzinfo=UTC)

HasTime = Callable[[], bool]


@log_invocations
def lambda_handler(event: BackfillState, context: LambdaContext) -> FileList:
    """List files from the end of the last list on, until there are no more, the list is long, or the time runs out."""
    last = event.get("list")
    number, start = (last["number"] + 1, last["next"] or START) if last else (0, START)

    def has_time() -> bool:
        return context.get_remaining_time_in_millis() > RESERVE_MS

    if not event.get("sweep"):
        listing = list_files(s3_client(), event, start, has_time)
    elif number == 0:
        listing = _start_sweep(event, datetime.now(UTC), has_time)
    else:
        listing = _continue_sweep(event, start, datetime.now(UTC), has_time)
    logger.info("listed", files=listing.summary["files"], to_load=len(listing.lines))
    return _store(event["execution"]["name"], number, listing)


def _start_sweep(sweep: BackfillState, now: datetime, has_time: HasTime) -> Listing:
    """Return the files that failed or were abandoned, and announce the bucket's list if it is due.

    While another sweep runs, there are none. While InfluxDB is down, they are counted, but not loaded: that uses up no
    try. Versions that used up their tries are recorded after they were counted: if this invocation fails before, the
    next one counts them.
    """
    publish_hours_since_last_load(now)
    if (before := take_lease(sweep["execution"]["name"], now)) is None:
        return Listing(note="another sweep is running")
    after_slot = before.get("last_slot", "")
    unloaded = list_unloaded(s3_client(), sweep, now=now, has_time=has_time, after_slot=after_slot)
    emit_backlog(unloaded.backlog, given_up=len(unloaded.given_up))
    record_given_up(unloaded)
    if "unhealthy" in sweep:
        return Listing(note=f"InfluxDB is not healthy: {sweep['unhealthy']['Error']}")
    if unloaded.slots.last != after_slot:
        record_last_slot(unloaded.slots.last)
    due = sweep.get("list_bucket") or _time(before.get("bucket_listed_at")) <= now - LIST_BUCKET_EVERY
    unloaded.listing.next = START if due else None
    return unloaded.listing


def _continue_sweep(sweep: BackfillState, start: ListPosition, now: datetime, has_time: HasTime) -> Listing:
    """Return files that the ledger does not have, except those that are older than the deployment.

    Announce versions that became the current ones again, and have no tries left.
    """
    # Times of objects are whole seconds.
    since = sweep_since() or ledger().creation_date_time.replace(microsecond=0)
    unloaded = list_unknown(s3_client(), sweep, start, since=since, now=now, has_time=has_time)
    if unloaded.given_up:
        emit_given_up(len(unloaded.given_up))
        record_given_up(unloaded)
    if unloaded.listing.next is None:
        record_bucket_listed(now)
    return unloaded.listing


def _time(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else NEVER


def _store(execution: str, number: int, listing: Listing) -> FileList:
    """Store the list and its summary. A repeated invocation overwrites both."""
    client, key = s3_client(), file_list_key(execution, number)
    body = "".join(f"{line}\n" for line in listing.lines).encode()
    client.put_object(Bucket=work_bucket(), Key=key, Body=body, ContentType="application/jsonl")
    put_json(client, list_summary_key(execution, number), listing.summary)
    return {"number": number, "key": key, "files": len(listing.lines), "next": listing.next, "note": listing.note}
