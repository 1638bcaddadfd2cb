"""The withdrawal of a load: its points no longer take precedence over those of older files.

`find_withdrawal` reads what the ledger has about the load and about older files in the same months. `withdraw` changes
the ledger.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from boto3.dynamodb.conditions import Attr

from cli.deployed.ledger import newest_ledger_item
from cli.deployed.objects import find_object
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from shared.datasets import DATASETS
from shared.ledger import LedgerItem, version_id_of
from shared.registrations import Registration, Registrations, month_name
from shared.revisions import is_newer_file
from shared.settings import LEASE_SECONDS
from shared.times import utc_seconds

MESSAGE = "withdrawn with loader forget: older files may write the points that it had"


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """A load to withdraw.

    Attributes:
        item: the newest version of its object in the ledger.
        registrations: the registrations of all versions of the object.
        older: the names of the older objects with points in the same time, which may have left out points that it had.
    """

    item: LedgerItem
    registrations: list[Registration]
    older: list[str]


def find_withdrawal(deployment: Deployment, name: str) -> Withdrawal:
    """Return what a withdrawal of the newest load of an object changes.

    Raises:
        NotFoundError: The ledger has no load of the object, or no registration of it.
        RefusedError: The object still exists, or is being loaded.
    """
    item = newest_ledger_item(deployment, name)
    if item is None:
        raise NotFoundError(f"the ledger has no load of {name}: `loader history` lists the loads")
    _check_gone(deployment, item)
    months = list(_months(deployment, item))
    own = [each for month in months for each in month if each["source"] == name]
    if not own:
        raise NotFoundError(f"{name} takes no precedence over other files, so there is nothing to withdraw")
    older = {
        other["source"]
        for month in months
        for other in month
        if any(_has_left_out(other, each) for each in own if each["object"] == other["object"])
    }
    return Withdrawal(item=item, registrations=own, older=sorted(older))


def _check_gone(deployment: Deployment, item: LedgerItem) -> None:
    """Raise RefusedError if the version still exists, or is being loaded: it would be registered again."""
    now = utc_seconds(datetime.now(UTC))
    if item["status"] == "claimed" and item.get("lease_until", "") > now:
        raise RefusedError(f"{item['object']} is being loaded by {item['execution']}: wait for its end, or stop it")
    current = find_object(deployment, item["object"].removeprefix(f"s3://{deployment.source_bucket}/"))
    if current and version_id_of(item) in ("", current.version_id):
        raise RefusedError(
            f"{item['object']} still exists, so a backfill would load it again: delete it first "
            f"(aws s3 rm '{item['object']}'), or restore its points with `loader load '{item['object']}' --force`"
        )


def _months(deployment: Deployment, item: LedgerItem) -> Iterator[list[Registration]]:
    """Yield the registrations of each month in which the load may have points."""
    bucket = DATASETS[item["dataset"]].bucket or deployment.delivery_environment()["INFLUXDB_BUCKET"]
    first, last = item.get("first_time", "")[:7], item.get("last_time", "")[:7]
    if not (first and last):
        return
    (year, month), (last_year, last_month) = ((int(text[:4]), int(text[5:])) for text in (first, last))
    registrations = Registrations(deployment.ledger)
    for number in range(12 * year + month - 1, 12 * last_year + last_month):
        name = f"{number // 12:04}-{number % 12 + 1:02}"
        yield registrations.read(month_name(bucket, item.get("measurement", ""), name))


def _has_left_out(older: Registration, newer: Registration) -> bool:
    """Return whether a registration is of an older object, with points in the same time."""
    overlaps = older["first_ns"] <= newer["last_ns"] and newer["first_ns"] <= older["last_ns"]
    return older["source"] != newer["source"] and overlaps and is_newer_file(newer, older)


def withdraw(deployment: Deployment, withdrawal: Withdrawal) -> None:
    """Make the registrations count as never written, and the load as skipped."""
    registrations, now = Registrations(deployment.ledger), datetime.now(UTC)
    for each in withdrawal.registrations:
        registrations.withdraw(each, now + timedelta(seconds=LEASE_SECONDS))
    item = withdrawal.item
    deployment.ledger.update_item(
        Key={"object": item["object"], "version": item["version"]},
        UpdateExpression="SET #status = :skipped, #message = :message, #changed_at = :now",
        ConditionExpression=Attr("changed_at").eq(item["changed_at"]),
        ExpressionAttributeNames={f"#{name}": name for name in ("status", "message", "changed_at")},
        ExpressionAttributeValues={":skipped": "skipped", ":message": MESSAGE, ":now": utc_seconds(now)},
    )
