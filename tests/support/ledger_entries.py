"""Items of the ledger for many objects, each with the time of its last change."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.functional.conftest import SOURCE
from tests.support.scripted_aws import MACHINE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


def at(minutes_ago: float) -> str:
    """The time as Step Functions writes it."""
    return (
        (datetime.now(UTC) - timedelta(minutes=minutes_ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def item(key: str, status: str, minutes_ago: float, *, version: str = "v1", written: int = 0, **more: Any) -> Any:
    """An object under dataset=generation that changed then; `written` orders its versions."""
    content = {
        "object": f"s3://{SOURCE}/dataset=generation/{key}",
        "version": f"2024-01-01T00:00:{written:02}Z {version}",
        "last_modified": written,
        "sequencer": "",
        "status": status,
        "changed_at": at(minutes_ago),
        "load_id": "0" * 16,
        "dataset": "generation",
        "etag": '"e"',
        "execution": f"{MACHINE}:run",
    }
    if status == "claimed":
        content |= {"claimed_at": at(minutes_ago), "lease_until": "2999-01-01T09:30:00Z"}
    return content | more


def failed_item(key: str, minutes_ago: float, **more: Any) -> Any:
    """An object whose load failed then."""
    return item(key, "failed", minutes_ago, error="CorruptParquetError", message="truncated", **more)


def put_items(ledger: "Table", *items: Any) -> None:
    """Write them to the ledger."""
    with ledger.batch_writer() as batch:
        for each in items:
            batch.put_item(each)
