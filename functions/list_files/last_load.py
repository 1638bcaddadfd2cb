"""The time since the last load, which each sweep publishes: the alarm NothingLoaded watches it."""

from datetime import datetime

from shared.ledger import CHANGES, LedgerItem, ledger
from shared.metrics import emit_hours_since_last_load


def publish_hours_since_last_load(now: datetime) -> None:
    """Emit how long ago the last file was loaded. Before the first load, emit nothing: a new stack is not silent."""
    if (loaded := _last_loaded()) is not None:
        age = now - datetime.fromisoformat(loaded["changed_at"])
        emit_hours_since_last_load(max(0.0, age.total_seconds() / 3600))


def _last_loaded() -> LedgerItem | None:
    reply = ledger().query(
        IndexName=CHANGES,
        KeyConditionExpression="#status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": "loaded"},
        ScanIndexForward=False,
        Limit=1,
    )
    items: list[LedgerItem] = reply["Items"]  # type: ignore[assignment]
    return items[0] if items else None
