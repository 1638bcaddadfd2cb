"""Versions of one object take turns: the newest wins, and waits for an older one that is still being loaded."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from shared.events import Claim
from shared.ledger import LedgerItem, ledger, utc_seconds

LOOK_AGAIN = timedelta(seconds=30)
"""After this time the ledger is asked again. In the six hours of an execution that makes some 7,000 history events."""


class Turn(NamedTuple):
    """As in `shared.events.FileRef`."""

    skipped: str = ""
    not_before: str = ""


ITS_TURN = Turn()


def versions_in_use(claim: Claim) -> list[LedgerItem]:
    """Versions of the object that are loaded or claimed, this one among them. To be asked after claiming.

    Of two versions that are claimed at the same time at least one then sees the other.
    """
    table = ledger()
    pages = table.meta.client.get_paginator("query").paginate(
        TableName=table.name,
        ConsistentRead=True,
        KeyConditionExpression="#object = :object",
        FilterExpression="#status IN (:claimed, :loaded)",
        ExpressionAttributeNames={"#object": "object", "#status": "status"},
        ExpressionAttributeValues={":object": claim["object"], ":claimed": "claimed", ":loaded": "loaded"},
    )
    return cast("list[LedgerItem]", [item for page in pages for item in page["Items"]])


def turn(version: str, in_use: Sequence[LedgerItem], now: datetime) -> Turn:
    """Whether `version` may be loaded now, of those that `versions_in_use` found."""
    (this,) = (item for item in in_use if item["version"] == version)
    for other in in_use:
        if is_newer(other, this):
            return Turn(skipped=f"superseded by version {other['version'].partition(' ')[2]}")
    older = [item for item in in_use if item["status"] == "claimed" and is_newer(this, item)]
    until = max((item["lease_until"] for item in older), default="")
    if until <= utc_seconds(now):
        return ITS_TURN
    return Turn(not_before=min(until, utc_seconds(now + LOOK_AGAIN)))


def is_newer(one: LedgerItem, other: LedgerItem) -> bool:
    """By S3's sequencers where both have one (hexadecimal, compared after padding on the right), else by LastModified.

    LastModified counts in seconds: of two versions of one second neither is newer.
    """
    if one["sequencer"] and other["sequencer"]:
        width = max(len(one["sequencer"]), len(other["sequencer"]))
        return one["sequencer"].ljust(width, "0") > other["sequencer"].ljust(width, "0")
    return one["last_modified"] > other["last_modified"]
