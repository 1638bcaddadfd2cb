"""The calls of FindStale and JudgeRevisions as the state machines make them, and the records that they leave."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from functions.find_stale.handler import lambda_handler
from shared.datasets import DATASETS
from shared.ledger import ledger
from shared.ledger_items import ItemKey
from shared.slots import Slot, slot_file, slot_name
from shared.stale.records import StaleRecord, StaleRecords
from tests.support.revised_files import finish
from tests.support.stale_points import Rewrites
from tests.support.stepwise_load import StepwiseLoad

LONG_AGO = "2024-01-01T00:00:00Z"


def check(rewrites: Rewrites, context: Any, load: StepwiseLoad, **more: Any) -> Any:
    """Run a load up to FindStale, as the state machine does, and return its result. `more` is in its item."""
    rewrites.settle(load, "claimed", **more)
    finish(load)
    event: Any = {"state": "FindStale", "input": load.state}
    return json.loads(json.dumps(lambda_handler(event, context)))


def judge(context: SimpleNamespace, remaining_ms: Callable[[], int] = lambda: 600_000) -> None:
    """Run JudgeRevisions with the whole time of an invocation, or with as much as `remaining_ms` returns."""
    limited: Any = SimpleNamespace(**vars(context) | {"get_remaining_time_in_millis": remaining_ms})
    event: Any = {"state": "JudgeRevisions", "input": {"execution": {"name": "sweep"}}}
    lambda_handler(event, limited)


def let_all_be_due() -> None:
    """Let all records be due now."""
    for record in stale_records():
        StaleRecords(ledger()).put({**record, "due_at": LONG_AGO})


def stale_records() -> list[StaleRecord]:
    """Return all records."""
    return list(StaleRecords(ledger()).read())


def counts() -> list[tuple[str, int]]:
    """Return the names and the numbers of points of all records."""
    return [(record["name"], record["points"]) for record in stale_records()]


def add_to_slot(load: StepwiseLoad) -> None:
    """Add the file to its slot, as ValidateSchema does."""
    file, dataset = load.state["file"], DATASETS["generation"]
    key = ItemKey(file["claim"]["object"], file["claim"]["version"])
    Slot(ledger(), slot_name("source", file["key"], dataset)).add(slot_file(key, dataset))
