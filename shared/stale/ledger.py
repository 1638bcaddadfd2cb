"""The loads that a search for stale points needs, as the ledger has them.

`every_item` reads the whole ledger, consistently: a search that misses a current load would call its points stale.
`items_near` reads only what one load may share points with, through the registrations of their months, so that its
price does not grow with the ledger. It knows no load that an earlier release did not register.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from boto3.dynamodb.conditions import Attr

from shared.datasets import DATASETS
from shared.ledger import CHANGES, LedgerItem, bucket_and_key, query_items, version_items
from shared.ledger_items import ItemKey, items_by_key
from shared.registrations import Registrations
from shared.slots import Slot, file_items, replacing_dataset, slot_name
from shared.stale.plans import Footprints, Plan

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


def datasets_of(measurement: str, influxdb_bucket: str, default: str) -> list[str]:
    """Return the names of the datasets that write to a measurement of an InfluxDB bucket.

    `default` is the default InfluxDB bucket.
    """
    return [
        name
        for name, dataset in DATASETS.items()
        if dataset.measurement == measurement and (dataset.influxdb_bucket or default) == influxdb_bucket
    ]


def every_item(table: "Table", measurement: str, datasets: Collection[str]) -> Iterator[LedgerItem]:
    """Yield all versions of all files of some datasets, and of those whose points are in the measurement."""
    condition = Attr("status").exists() & (Attr("dataset").is_in(list(datasets)) | Attr("measurement").eq(measurement))
    # The client of a resource accepts conditions, but its type stubs do not say so.
    paginator: Any = table.meta.client.get_paginator("scan")
    for page in paginator.paginate(TableName=table.name, ConsistentRead=True, FilterExpression=condition):
        yield from cast("list[LedgerItem]", page["Items"])


def items_near(
    table: "Table", names: Collection[str], months: Collection[str], datasets: Collection[str]
) -> list[LedgerItem]:
    """Return all registered or unloaded versions of other files that may have points in some months.

    Args:
        table: The ledger.
        names: The names of the objects to leave out.
        months: The months, as registrations name them.
        datasets: The datasets that write to the same measurement.
    """
    registrations, keys = Registrations(table), list[ItemKey]()
    for month in sorted(months):
        for each in registrations.read(month):
            if each["source"] not in names and "expires_at" not in each:
                keys.append(ItemKey(each["source"], each["source_version"]))
    near = {ItemKey(each["object"], each["version"]): each for each in _unloaded(table, datasets)}
    near |= items_by_key(keys, table=table)
    return [each for key, each in near.items() if key.object not in names]


def own_items(table: "Table", item: LedgerItem) -> list[LedgerItem]:
    """Return the items of all versions of an object; where revisions replace each other, of all files of its slot."""
    if (dataset := replacing_dataset(item["dataset"])) is None:
        return list(version_items(item["object"]))
    name = slot_name(*bucket_and_key(item["object"]), dataset)
    items = file_items(Slot(table, name).read().files, table)
    return [each for versions in items.values() for each in versions]


def _unloaded(table: "Table", datasets: Collection[str]) -> Iterator[LedgerItem]:
    """Yield the versions that are being loaded or failed. Their registrations expire, or do not exist yet."""
    for status in ("claimed", "failed"):
        items: Iterable[LedgerItem] = query_items(
            table,
            IndexName=CHANGES,
            KeyConditionExpression="#status = :status",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": status},
        )
        yield from (each for each in items if each["dataset"] in datasets)


def plans_of(footprints: Footprints, items: Iterable[LedgerItem], *, in_bulk: bool) -> Mapping[str, list[Plan]]:
    """Return the footprints of some items, by load ID.

    Args:
        footprints: The footprints in the work bucket.
        items: The items.
        in_bulk: Whether to list all footprints of their datasets, which takes fewer requests for many items.
    """
    # A load that failed before its file was pinned has no load ID.
    versions = {(each["dataset"], "" if in_bulk else each["load_id"]) for each in items if each["load_id"]}
    plans: dict[str, list[Plan]] = {}
    for dataset, load_id in sorted(versions):
        for plan in footprints.list(dataset, load_id):
            plans.setdefault(plan.load_id, []).append(plan)
    return plans


def latest_bucket_id(items: Iterable[LedgerItem]) -> str:
    """Return the id of the InfluxDB bucket that the last load wrote to; "" if it was not checkable."""
    last = max(items, key=lambda item: item["changed_at"] if item["status"] == "loaded" else "", default=None)
    return last.get("bucket_id", "") if last else ""
