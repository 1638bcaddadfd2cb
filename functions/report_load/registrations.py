"""The end of a load for other loads: those that wait for it, and those whose points its file may supersede."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from botocore.exceptions import BotoCoreError, ClientError

from shared.datasets import DATASETS
from shared.events import LoadState
from shared.ledger import is_newer, ledger, version_items
from shared.load_totals import Outcomes
from shared.logs import logger
from shared.registrations import WRITE_SECONDS, RegisteredLoad, Registrations, months_of
from shared.settings import default_bucket
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


def withdraw_former_versions(client: "S3Client", load: LoadState, now: datetime) -> None:
    """Withdraw the registrations of older versions of the file in months in which the new version has no points.

    They would supersede points of older files for ever, although no existing file has their values. In the months of
    the new version, its own registrations count in their place.
    """
    claim, dataset = load["file"]["claim"], DATASETS[load["file"]["dataset"]]
    former = [
        item
        for item in version_items(claim["object"])
        if item["version"] != claim["version"] and not is_newer(item, claim) and item.get("first_time")
    ]
    if not former:
        return
    bucket, registrations = dataset.influxdb_bucket or default_bucket(), Registrations(ledger())
    expires_at = now + (datetime.fromisoformat(claim["lease_until"]) - datetime.fromisoformat(claim["now"]))
    months = {month for item in former for month in months_of(item, bucket)} - _own_months(client, load)
    for each in (item for month in sorted(months) for item in registrations.read(month)):
        is_former = each["source"] == claim["object"] and each["source_version"] != claim["version"]
        if is_former and each["written"] and not is_newer(each, claim):
            registrations.withdraw(each, expires_at)


def _own_months(client: "S3Client", load: LoadState) -> set[str]:
    """Return the months in which the load is registered. A load without points is not."""
    key = registration_key(load["file"]["load_id"], load["execution"]["name"])
    with suppress(client.exceptions.NoSuchKey):
        return {item["object"] for item in cast(RegisteredLoad, get_json(client, key))["items"]}
    return set()
