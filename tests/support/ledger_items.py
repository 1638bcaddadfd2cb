"""Items of the ledger as an execution finds them, and a ledger that is not there."""

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
ELSEWHERE = "arn:aws:states:us-east-1:123456789012:execution:loader:elsewhere"


def held(status: str, **more: str) -> dict[str, Any]:
    """An item as another execution left it."""
    return {**KEY, **FACTS, "status": status, "execution": ELSEWHERE, **more}


CLAIMED = held("claimed", lease_until=str(CLAIM["now"]), claimed_at="2023-12-31T18:00:00Z")
"""Its lease ends at the very time of the new claim."""
LOADED = held("loaded", changed_at="2023-12-31T18:00:00Z", report="reports/elsewhere.json")
FAILED = held("failed", changed_at="2023-12-31T18:00:00Z", report="r", error="CorruptParquetError", message="m")


def without_table(definition: dict[str, Any], state: str) -> dict[str, Any]:
    """DynamoDB does not find the table when `state` asks for it."""
    mutated = copy.deepcopy(definition)
    mutated["States"][state]["Parameters"]["TableName"] = "gone"
    return mutated
