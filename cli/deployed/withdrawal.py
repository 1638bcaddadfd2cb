"""The withdrawal of a load: its points no longer take precedence over those of older files.

`find_withdrawal` reads what the ledger has about the load and about older files in the same months. `withdraw` changes
the ledger.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from boto3.dynamodb.conditions import Attr

from cli.deployed.ledger import ledger_items
from cli.deployed.objects import find_object
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from shared.datasets import DATASETS
from shared.ledger import LedgerItem, bucket_and_key, newest_of, version_id_of
from shared.registrations import Registration, Registrations, months_of
from shared.revisions import is_newer_file
from shared.settings import LEASE_SECONDS
from shared.times import utc_seconds

MESSAGE = "withdrawn with loader forget: older files may write the points that it had"


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """A load to withdraw.

    Attributes:
        item: the newest version of its object in the ledger.
        loaded: the older versions that are loaded.
        registrations: the registrations of all versions of the object.
        older: the names of the older objects with points in the same time, which may have left out points that it had.
    """

    item: LedgerItem
    loaded: list[LedgerItem]
    registrations: list[Registration]
    older: list[str]


def find_withdrawal(deployment: Deployment, name: str) -> Withdrawal:
    """Return what a withdrawal of the newest load of an object changes.

    Raises:
        NotFoundError: The ledger has no load of the object, or no registration of it.
        RefusedError: The object still exists, or is being loaded.
    """
    versions = ledger_items(deployment, name)
    item = newest_of(versions)
    if item is None:
        raise NotFoundError(f"the ledger has no load of {name}: `loader history` lists the loads")
    _check_gone(deployment, item)
    registrations = Registrations(deployment.ledger)
    months = [registrations.read(month) for month in _months(deployment, versions)]
    own = [each for month in months for each in month if each["source"] == name]
    if not own:
        raise NotFoundError(f"{name} takes no precedence over other files, so there is nothing to withdraw")
    loaded = [each for each in versions if each["status"] == "loaded" and each != item]
    return Withdrawal(item=item, loaded=loaded, registrations=own, older=sorted(_older(months, own)))


def _older(months: list[list[Registration]], own: list[Registration]) -> set[str]:
    """Return the older objects that may have left out points. In a dataset without revisions, none does."""
    dataset = DATASETS.get(own[0]["dataset"])
    if dataset is None or dataset.revision is None:
        return set()
    return {
        other["source"]
        for month in months
        for other in month
        if any(_has_left_out(other, each) for each in own if each["object"] == other["object"])
    }


def _check_gone(deployment: Deployment, item: LedgerItem) -> None:
    """Raise RefusedError if the version still exists, or is being loaded: it would be registered again."""
    now = utc_seconds(datetime.now(UTC))
    if item["status"] == "claimed" and item.get("lease_until", "") > now:
        raise RefusedError(f"{item['object']} is being loaded by {item['execution']}: wait for its end, or stop it")
    key = bucket_and_key(item["object"])[1]
    current = find_object(deployment, key)
    if current and current.status == "undone":  # then this version, which is older, stands again
        current = find_object(deployment, key, version_id_of(item))
    if current and version_id_of(item) in ("", current.version_id):
        raise RefusedError(
            f"{item['object']} still exists, so a backfill would load it again: delete it first "
            f"(aws s3 rm '{item['object']}'), or restore its points with `loader load '{item['object']}' --force`"
        )


def _months(deployment: Deployment, versions: list[LedgerItem]) -> list[str]:
    """Return the months in which any version may have points."""
    bucket = deployment.influxdb_bucket(versions[0]["dataset"])
    return sorted({month for item in versions for month in months_of(item, bucket)})


def _has_left_out(older: Registration, newer: Registration) -> bool:
    """Return whether a registration is of an older object, with points in the same time."""
    overlaps = older["first_ns"] <= newer["last_ns"] and newer["first_ns"] <= older["last_ns"]
    return older["source"] != newer["source"] and overlaps and is_newer_file(newer, older)


def withdraw(deployment: Deployment, withdrawal: Withdrawal) -> None:
    """Make each loaded version count as skipped, and then its registrations as never written.

    If this is interrupted, it can be repeated: the registrations lead to what is left.

    Raises:
        RefusedError: A version was loaded or claimed meanwhile.
    """
    for item in (*withdrawal.loaded, withdrawal.item):
        _skip(deployment, item)
    registrations, expires_at = Registrations(deployment.ledger), datetime.now(UTC) + timedelta(seconds=LEASE_SECONDS)
    for each in withdrawal.registrations:
        registrations.withdraw(each, expires_at)


def _skip(deployment: Deployment, item: LedgerItem) -> None:
    try:
        deployment.ledger.update_item(
            Key={"object": item["object"], "version": item["version"]},
            UpdateExpression="SET #status = :skipped, #message = :message, #changed_at = :now, "
            "#load_ended_at = if_not_exists(#load_ended_at, #changed_at)",
            ConditionExpression=Attr("changed_at").eq(item["changed_at"]),
            ExpressionAttributeNames={
                f"#{name}": name for name in ("status", "message", "changed_at", "load_ended_at")
            },
            ExpressionAttributeValues={
                ":skipped": "skipped",
                ":message": MESSAGE,
                ":now": utc_seconds(datetime.now(UTC)),
            },
        )
    except deployment.ledger.meta.client.exceptions.ConditionalCheckFailedException as error:
        raise RefusedError(
            f"{item['object']} was loaded or claimed meanwhile, so its registrations were not changed: "
            "wait for its end, then run this command again"
        ) from error
