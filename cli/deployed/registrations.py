"""The registrations that loads of an earlier release lack, by which late older files would see them.

`unregistered` compares the ledger's items with the registrations of their first months. `register` adds the missing
ones, as those of a load that has ended and whose points are stored.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, cast

from cli.deployed.stack import Deployment
from functions.register_load.months import month_spans, registrations_of
from shared.datasets import DATASETS
from shared.events import LoadState
from shared.footprints import read_footprint
from shared.ledger import LedgerItem, bucket_and_key, newest_of
from shared.registrations import Registrations, month_name, registration_name


def unregistered(deployment: Deployment, items: Iterable[LedgerItem]) -> Iterator[LedgerItem]:
    """Yield the newest loaded version of each object whose points nobody would see, although its dataset has revisions.

    A version without a footprint is not included.
    """
    registrations = Registrations(deployment.ledger)

    @cache
    def names(month: str) -> set[str]:
        return {item["version"] for item in registrations.read(month)}

    versions: dict[str, list[LedgerItem]] = {}
    for item in items:
        versions.setdefault(item["object"], []).append(item)
    newest = (newest_of(each) for each in versions.values())
    for item in (each for each in newest if each):
        if item.get("first_time") and _has_revisions(item):
            month = month_name(deployment.influxdb_bucket(item["dataset"]), item["measurement"], item["first_time"][:7])
            if registration_name(item["load_id"], _execution(item)) not in names(month):
                yield item


def register(deployment: Deployment, item: LedgerItem) -> None:
    """Add the registrations of a load that has ended, one for each month of its footprint."""
    parts = (read_footprint(deployment.work_object(key)) for key in deployment.work_keys(item["footprint"]))
    spans = month_spans(parts)
    registrations, dataset = Registrations(deployment.ledger), item["dataset"]
    claim: dict[str, Any] = {name: value for name, value in item.items() if name in ("object", "version", "sequencer")}
    claim |= {"last_modified": int(item["last_modified"]), "lease_until": ""}
    _, key = bucket_and_key(item["object"])
    state: dict[str, Any] = {
        "execution": {"name": _execution(item)},
        "file": {"load_id": item["load_id"], "key": key, "dataset": dataset, "claim": claim},
        "health": {"bucket_ids": {dataset: item.get("bucket_id", "")}},
    }
    for each in registrations_of(cast(LoadState, state), spans, deployment.influxdb_bucket(item["dataset"])):
        registrations.add({**each, "written": True})


def _has_revisions(item: LedgerItem) -> bool:
    dataset = DATASETS.get(item["dataset"])
    return dataset is not None and dataset.revision is not None


def _execution(item: LedgerItem) -> str:
    return item["execution"].rpartition(":")[2]
