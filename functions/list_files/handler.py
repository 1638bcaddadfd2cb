"""The handler of state ListFiles, which makes the next list of files that a backfill is to load."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.list_files.listing import Listing, list_files
from shared.aws_clients import s3_client
from shared.events import BackfillState, FileList
from shared.logs import log_invocations, logger
from shared.settings import work_bucket
from shared.source_pages import START
from shared.work_bucket import file_list_key, list_summary_key, put_json

RESERVE_MS = 120_000
"""The time that must be left to begin another page: to end it and to store the list, even if S3 is slow."""


@log_invocations
def lambda_handler(event: BackfillState, context: LambdaContext) -> FileList:
    """List files from the end of the last list on, until there are no more, the list is long, or the time runs out."""
    last = event.get("list")
    number, start = (last["number"] + 1, last["next"] or START) if last else (0, START)
    listing = list_files(s3_client(), event, start, lambda: context.get_remaining_time_in_millis() > RESERVE_MS)
    logger.info("listed", files=listing.summary["files"], to_load=len(listing.lines))
    return _store(event["execution"]["name"], number, listing)


def _store(execution: str, number: int, listing: Listing) -> FileList:
    """Store the list and its summary. A repeated invocation overwrites both."""
    client, key = s3_client(), file_list_key(execution, number)
    body = "".join(f"{line}\n" for line in listing.lines).encode()
    client.put_object(Bucket=work_bucket(), Key=key, Body=body, ContentType="application/jsonl")
    put_json(client, list_summary_key(execution, number), listing.summary)
    return {"number": number, "key": key, "files": len(listing.lines), "next": listing.next}
