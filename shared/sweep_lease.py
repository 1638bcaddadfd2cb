"""The lease of the sweep, an item of the ledger: only one sweep runs at a time.

The item has no `status`, so it is not in the index of changes, and its `object` is no address, so it is not among the
versions of an object. Claims protect each file, also from a sweep that runs longer than its lease.
"""

from datetime import datetime, timedelta
from typing import NotRequired, TypedDict, cast

from shared.ledger import ledger, tolerate_unmet_condition
from shared.settings import lease_seconds
from shared.times import utc_seconds

KEY = {"object": "sweep", "version": "lease"}


class SweepItem(TypedDict):
    """The item. Times are ISO 8601, UTC.

    Attributes:
        execution: The sweep that took the lease last.
        lease_until: The end of its lease.
        bucket_listed_at: When a sweep last listed the bucket to its end; absent if none did.
        last_slot: The last slot that a sweep examined before its time was over; "" or absent if it examined all.
    """

    execution: str
    lease_until: str
    bucket_listed_at: NotRequired[str]
    last_slot: NotRequired[str]


def take_lease(execution: str, now: datetime) -> SweepItem | None:
    """Take the lease, or extend the own one. Return the item before; None if another sweep has the lease."""
    try:
        reply = ledger().update_item(
            Key=KEY,
            UpdateExpression="SET #execution = :execution, #lease_until = :lease_until",
            ConditionExpression=(
                "attribute_not_exists(#lease_until) OR #lease_until < :now OR #execution = :execution"
            ),
            ExpressionAttributeNames={f"#{name}": name for name in ("execution", "lease_until")},
            ExpressionAttributeValues={
                ":execution": execution,
                ":lease_until": utc_seconds(now + timedelta(seconds=lease_seconds())),
                ":now": utc_seconds(now),
            },
            ReturnValues="ALL_OLD",
        )
    except ledger().meta.client.exceptions.ConditionalCheckFailedException:
        return None
    return cast("SweepItem", reply.get("Attributes", {"execution": "", "lease_until": ""}))


def record_bucket_listed(now: datetime) -> None:
    """Record that the bucket was listed to its end."""
    _record("bucket_listed_at", utc_seconds(now))


def record_last_slot(name: str) -> None:
    """Record the slot after which the next sweep begins."""
    _record("last_slot", name)


def _record(attribute: str, value: str) -> None:
    ledger().update_item(
        Key=KEY,
        UpdateExpression="SET #attribute = :value",
        ExpressionAttributeNames={"#attribute": attribute},
        ExpressionAttributeValues={":value": value},
    )


def release_lease(execution: str) -> None:
    """End the lease of this sweep. The lease of another one stays."""
    with tolerate_unmet_condition():
        ledger().update_item(
            Key=KEY,
            UpdateExpression="REMOVE lease_until",
            ConditionExpression="#execution = :execution",
            ExpressionAttributeNames={"#execution": "execution"},
            ExpressionAttributeValues={":execution": execution},
        )
