"""The footprint of a load as the response and the ledger name it: where it is stored, and which times it covers."""

import json

from shared.calendars import add, decode, encode, shorten
from shared.datasets import DATASETS
from shared.events import LoadState
from shared.load_totals import Outcomes
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
