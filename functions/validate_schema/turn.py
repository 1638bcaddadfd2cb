"""Versions of one object take turns: the newest wins, and waits for an older one that is still being loaded."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from shared.events import Claim
from shared.ledger import LedgerItem, is_newer, ledger
from shared.times import utc_seconds

SHORTEST_WAIT, LONGEST_WAIT = timedelta(seconds=2), timedelta(minutes=1)
"""A minute makes some 3,000 of the 25,000 history events that the six hours of an execution may have."""


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
    under_way = [item for item in older if item["lease_until"] > utc_seconds(now)]
    return Turn(not_before=min(_look_again(item, now) for item in under_way)) if under_way else ITS_TURN


def _look_again(under_way: LedgerItem, now: datetime) -> str:
    """When it has taken twice as long as by now, or its lease ends."""
    taken = now - datetime.fromisoformat(under_way["claimed_at"])
    wait = min(max(taken, SHORTEST_WAIT), LONGEST_WAIT)
    return min(under_way["lease_until"], utc_seconds(now + wait))
