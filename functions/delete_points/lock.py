"""The lock of a measurement: only one deletion, or restore, changes its points at a time, in one invocation at a time.

A request of another deletion could remove current points that this one has just written again, and its before-image
would lack those that this one has removed. So a deletion has the lock from its first step to its last, and an
invocation has it while it runs. A crash keeps it no longer than an invocation can run, and keeps it from other
deletions no longer than it keeps loads waiting.
"""

import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from shared.deletion.registration import LEASE, lock_name
from shared.ledger import tolerate_unmet_condition
from shared.registrations import EXPIRES_AT
from shared.times import utc_seconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

MAX_INVOCATION = timedelta(minutes=15)
"""How long an invocation may run: the time limit of the function."""

VERSION = "lock"

IS_FREE = (
    "attribute_not_exists(#object) OR #active_until <= :now OR (#deletion = :deletion AND #invocation_until <= :now)"
)


class DeletionLock:
    """The lock of one measurement for one invocation. `deletion` is the deletion whose step it does."""

    def __init__(self, table: "Table", bucket: str, measurement: str, deletion: str) -> None:
        self._table = table
        self._key = {"object": lock_name(bucket, measurement), "version": VERSION}
        self._deletion = deletion
        self._invocation = secrets.token_hex(8)

    def acquire(self, now: datetime) -> str:
        """Take the lock. Return what to wait for, or "" if this invocation has the lock now."""
        until = now + LEASE
        values: dict[str, str | int] = {
            "deletion": self._deletion,
            "invocation": self._invocation,
            "invocation_until": utc_seconds(now + MAX_INVOCATION),
            "active_until": utc_seconds(until),
            EXPIRES_AT: int(until.timestamp()),
        }
        try:
            self._take(values, now)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return self._holder(error.response.get("Item", {}))
        return ""

    def _take(self, values: dict[str, str | int], now: datetime) -> None:
        self._table.update_item(
            Key=self._key,
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in values),
            ConditionExpression=IS_FREE,
            ExpressionAttributeNames={f"#{name}": name for name in ("object", *values)},
            ExpressionAttributeValues={f":{name}": value for name, value in values.items()}
            | {":now": utc_seconds(now)},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def release(self, *, has_ended: bool) -> None:
        """Let the next invocation of the deletion begin; of any deletion if this one has ended."""
        is_own = "invocation = :invocation"
        values = {":invocation": self._invocation}
        with tolerate_unmet_condition():
            if has_ended:
                self._table.delete_item(Key=self._key, ConditionExpression=is_own, ExpressionAttributeValues=values)
            else:
                self._table.update_item(
                    Key=self._key,
                    UpdateExpression="SET invocation_until = :never",
                    ConditionExpression=is_own,
                    ExpressionAttributeValues={**values, ":never": ""},
                )

    def _holder(self, item: Any) -> str:
        """Return who has the lock, by its item in DynamoDB's own notation."""
        values = {name: value.get("S", "") if isinstance(value, dict) else str(value) for name, value in item.items()}
        if values.get("deletion") == self._deletion:
            return f"another call of this deletion, until {values.get('invocation_until')} at most"
        return (
            f"deletion {values.get('deletion')} of the same measurement, which is active until "
            f"{values.get('active_until')} at most"
        )
