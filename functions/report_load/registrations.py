"""The end of a failed load for the loads that wait for it."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from botocore.exceptions import BotoCoreError, ClientError

from shared.events import LoadState
from shared.ledger import ledger
from shared.load_totals import Outcomes
from shared.logs import logger
from shared.registrations import WRITE_SECONDS, RegisteredLoad, Registrations
from shared.work_bucket import get_json, registration_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def end_registrations(client: "S3Client", load: LoadState, outcomes: Outcomes, now: datetime) -> None:
    """Record that a failed load writes nothing any more, so that newer loads of its months need not wait for its lease.

    If it had begun to write, invocations of WriteBatch may still be running. An error here must not hide that of the
    load: the registrations then end with the lease.
    """
    if "converted" not in load:
        return
    key = registration_key(load["file"]["load_id"], load["execution"]["name"])
    last_write = now + timedelta(seconds=WRITE_SECONDS) if outcomes.chunks else now
    try:
        with suppress(client.exceptions.NoSuchKey):
            registered, registrations = cast(RegisteredLoad, get_json(client, key)), Registrations(ledger())
            for item in registered["items"]:
                registrations.end(item["object"], item["version"], last_write)
    except (BotoCoreError, ClientError):
        logger.exception("the registrations of the load end with its lease")
