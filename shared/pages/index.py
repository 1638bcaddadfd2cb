"""The index of the last loads: one page, from the ledger, with links to the page of each load.

The links are relative, so the page works in the work bucket and in a copy of it.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from shared.ledger import CHANGES, LedgerItem, bucket_and_key, query_items
from shared.pages.console_links import Console
from shared.pages.rendering import template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

INDEX_KEY = "index.html"
MAX_LOADS = 500
"""How many loads the index has."""

LOAD_STATUSES = ("claimed", "loaded", "failed", "undone")
"""The statuses of loads. An object that was skipped is not one."""

TEMPLATE = Path(__file__).with_name("index.html")
PAGE_SIZE = 100


class IndexRow(NamedTuple):
    """A load in the index. `page` is the address of its page, and `execution` that of its execution; "" if unknown."""

    changed_at: str
    style: str
    status: str
    key: str
    dataset: str
    load_id: str
    rows: int
    points: int
    error: str
    page: str
    execution: str


def recent_loads(table: "Table") -> list[LedgerItem]:
    """Return the last loads of the ledger, the one that changed last first."""
    loads = merge(*(_changes(table, status) for status in LOAD_STATUSES), key=_changed_at, reverse=True)
    return list(islice(loads, MAX_LOADS))


def render_index(loads: Iterable[LedgerItem], now: datetime) -> str:
    """Return the index page.

    Args:
        loads: The loads, in the order of the rows.
        now: The time that the page shows as that of the index.
    """
    rows = [_row(item, now) for item in loads]
    counts = {status: sum(row.status == status for row in rows) for status in dict.fromkeys(row.status for row in rows)}
    return template(TEMPLATE).render(rows=rows, counts=counts, now=f"{now:%Y-%m-%d %H:%M}", limit=MAX_LOADS)


def page_of(item: LedgerItem) -> str:
    """Return the key of a load's page in the work bucket; "" if it has no report yet."""
    report = item.get("report", "")
    return f"{report.removesuffix('.json')}.html" if report else ""


def _changed_at(item: LedgerItem) -> str:
    return item["changed_at"]


def _changes(table: "Table", status: str) -> Iterator[LedgerItem]:
    return query_items(
        table,
        IndexName=CHANGES,
        ScanIndexForward=False,
        KeyConditionExpression="#status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": status},
        PaginationConfig={"PageSize": PAGE_SIZE},
    )


def _row(item: LedgerItem, now: datetime) -> IndexRow:
    console = Console.of_execution(item["execution"])
    style, status = _verdict(item, now)
    return IndexRow(
        changed_at=item["changed_at"][:16].replace("T", " "),
        style=style,
        status=status,
        key=bucket_and_key(item["object"])[1],
        dataset=item["dataset"],
        load_id=item["load_id"][:8],
        rows=int(item.get("input_rows", 0)),
        points=int(item.get("points_written", 0)),
        error=item.get("error", ""),
        page=quote(page_of(item)),
        execution=console.execution(item["execution"]).address if console else "",
    )


def _verdict(item: LedgerItem, now: datetime) -> tuple[str, str]:
    """Return the style and the words of a load's status."""
    if item["status"] == "failed":
        return "bad", "failed"
    if item["status"] == "undone":
        return "odd", "undone"
    if item["status"] == "claimed":
        ended = (lease := item.get("lease_until", "")) and datetime.fromisoformat(lease) < now
        return ("bad", "abandoned") if ended else ("run", "running")
    return ("odd", "partly loaded") if item.get("verdict") == "partly loaded" else ("good", "loaded")
