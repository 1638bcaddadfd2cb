"""The footprint of a load as the response and the ledger name it: where it is stored, and which times it covers."""

import json

from botocore.exceptions import BotoCoreError, ClientError

from shared.calendars import add, decode, encode, shorten
from shared.datasets import DATASETS
from shared.events import FileRef, LoadState
from shared.ledger import LedgerItem, version_items
from shared.load_totals import Outcomes
from shared.logs import logger
from shared.responses import FootprintData
from shared.times import utc_ns
from shared.work_bucket import footprint_prefix

NO_FOOTPRINT: FootprintData = {"prefix": "", "measurement": "", "first_time": "", "last_time": "", "calendar": ""}


def footprint_data(state: LoadState, outcomes: Outcomes) -> FootprintData:
    """Return the footprint of a load; NO_FOOTPRINT unless all parts of its file have one.

    A load that failed early has none. The outcomes of a former release have no calendar, and its parts no footprint.
    """
    file, parts = state.get("file"), [part for part in outcomes.parts if "calendar" in part]
    if not file or file["dataset"] not in DATASETS or not parts or len(parts) < len(file["parts"]):
        return NO_FOOTPRINT
    first_ns, last_ns = outcomes.span or (None, None)
    calendar = shorten(add(decode(part["calendar"]) for part in parts))
    return {
        "prefix": footprint_prefix(file["dataset"], file["load_id"], state["execution"]["name"]),
        "measurement": DATASETS[file["dataset"]].measurement,
        "first_time": "" if first_ns is None else utc_ns(first_ns),
        "last_time": "" if last_ns is None else utc_ns(last_ns),
        "calendar": json.dumps(encode(calendar), separators=(",", ":")),
    }


def footprint_to_settle(state: LoadState, footprint: FootprintData) -> FootprintData:
    """Return the footprint for the ledger: if a failed load has none, that of the attempt before.

    The points of that attempt stay in InfluxDB, and its registrations in the ledger. An error here must not hide that
    of the load.
    """
    file = state.get("file")
    if footprint["prefix"] or not file or "claim" not in file:
        return footprint
    try:
        return _footprint_of(_own_item(file), footprint)
    except (BotoCoreError, ClientError):
        logger.exception("the ledger loses the footprint of the attempt before")
        return footprint


def _own_item(file: FileRef) -> LedgerItem | None:
    claim = file["claim"]
    return next((item for item in version_items(claim["object"]) if item["version"] == claim["version"]), None)


def _footprint_of(item: LedgerItem | None, default: FootprintData) -> FootprintData:
    if not item or not item.get("footprint"):
        return default
    return {
        "prefix": item.get("footprint", ""),
        "measurement": item.get("measurement", ""),
        "first_time": item.get("first_time", ""),
        "last_time": item.get("last_time", ""),
        "calendar": item.get("calendar", ""),
    }
