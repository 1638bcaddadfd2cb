"""Bulk reads of the ledger: the items of many versions, by their keys.

A listing of the source bucket tells the key of each version's item (`shared.ledger.version_name`), so that one request
reads 100 items, and no item that only summarizes others can disagree with them.
"""

import random
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from shared.aws_clients import dynamodb_resource
from shared.errors import AwsThrottledError
from shared.ledger import LedgerItem
from shared.settings import ledger_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

MAX_KEYS = 100
"""The largest number of keys in one BatchGetItem request."""

CONCURRENT_REQUESTS = 8

ATTEMPTS = 10
MAX_DELAY_S = 5.0
"""The limits of the requests for keys that DynamoDB leaves unprocessed: ten take at most half a minute."""


class ItemKey(NamedTuple):
    """The key of an item: `shared.ledger.object_name` and `version_name`."""

    object: str
    version: str


def items_by_key(
    keys: Iterable[ItemKey], *, consistent: bool = True, table: "Table | None" = None
) -> dict[ItemKey, LedgerItem]:
    """Return the items with these keys. A key without an item is absent.

    Args:
        keys: The keys, which may repeat.
        consistent: Read every write that was acknowledged before. Otherwise the request costs half, and may miss the
            writes of the last second.
        table: The ledger; without it, the one that LEDGER_TABLE names.

    Raises:
        AwsThrottledError: DynamoDB left keys unprocessed in all attempts.
    """
    requested = list(dict.fromkeys(keys))
    batches = [requested[first : first + MAX_KEYS] for first in range(0, len(requested), MAX_KEYS)]
    # Threads may share a client, but not the resource that creates it.
    client: Any = table.meta.client if table else dynamodb_resource().meta.client
    name = table.name if table else ledger_table()
    with ThreadPoolExecutor(CONCURRENT_REQUESTS) as pool:
        replies = list(pool.map(lambda batch: _batch_get(client, name, batch, consistent=consistent), batches))
    return {ItemKey(item["object"], item["version"]): item for items in replies for item in items}


def _batch_get(client: Any, table: str, keys: Sequence[ItemKey], *, consistent: bool) -> list[LedgerItem]:
    """Return the items of at most `MAX_KEYS` keys. Request again the keys that DynamoDB leaves unprocessed."""
    items: list[LedgerItem] = []
    request: dict[str, Any] = {table: {"Keys": [key._asdict() for key in keys], "ConsistentRead": consistent}}
    for attempt in range(ATTEMPTS):
        reply = client.batch_get_item(RequestItems=request)
        items += cast("list[LedgerItem]", reply["Responses"].get(table, []))
        request = dict(reply["UnprocessedKeys"])
        if not request:
            return items
        if attempt:  # the first time, the reply was probably too large, which no waiting changes
            time.sleep(random.uniform(0, min(0.05 * 2**attempt, MAX_DELAY_S)))  # noqa: S311
    left = len(request[table]["Keys"])
    raise AwsThrottledError(
        f"DynamoDB left {left} keys of table {table} unprocessed in {ATTEMPTS} requests: the loader retries"
    )
