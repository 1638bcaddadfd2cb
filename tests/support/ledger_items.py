"""Ledger items that another execution wrote before, and a definition whose ledger does not exist."""

import copy
from decimal import Decimal
from typing import Any

from tests.support.scripted_functions import CLAIM, FILE

KEY = {"object": CLAIM["object"], "version": CLAIM["version"]}
FACTS = {
    "load_id": FILE["load_id"],
    "dataset": "generation",
    "etag": FILE["etag"],
    "sequencer": CLAIM["sequencer"],
    "last_modified": Decimal(1704067200),
}
OTHER_EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:loader:elsewhere"


def item_of_other_execution(status: str, **more: str) -> dict[str, Any]:
    """Return an item that another execution wrote."""
    return {**KEY, **FACTS, "status": status, "execution": OTHER_EXECUTION, **more}


CLAIMED = item_of_other_execution("claimed", lease_until=str(CLAIM["now"]), claimed_at="2023-12-31T18:00:00Z")
"""A claim whose lease ends exactly when the new claim is made."""
LOADED = item_of_other_execution("loaded", changed_at="2023-12-31T18:00:00Z", report="reports/elsewhere.json")
FAILED = item_of_other_execution(
    "failed", changed_at="2023-12-31T18:00:00Z", report="r", error="CorruptParquetError", message="m"
)


def break_table_name(definition: dict[str, Any], state: str) -> dict[str, Any]:
    """Return the definition with the name of a table that does not exist in `state`."""
    mutated = copy.deepcopy(definition)
    mutated["States"][state]["Parameters"]["TableName"] = "gone"
    return mutated
