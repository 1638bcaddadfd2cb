"""The files that an undo has to load again besides those of its plan.

While the operator reads the plan, further loads may begin or end. Until the registrations of the undone loads are
withdrawn, they leave out the points that these have. So once that is done, `wait_for_loads` waits for the end of those
that had begun, and `add_late_files` compares footprints again.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from cli.deployed.objects import exists
from cli.deployed.stack import Deployment
from cli.deployed.stale import check_footprints, prepare_searches
from cli.deployed.undo_records import UndoRecord, UndoRecords, key_of, version_of
from cli.deployed.undone_points import SharingFile, files_to_load_again
from cli.output import quantity, stderr
from shared.ledger import LedgerItem
from shared.ledger_items import ItemKey, items_by_key
from shared.slots import is_running

POLL_S = 1.0


def wait_for_loads(deployment: Deployment, dataset: str) -> None:
    """Wait until the loads of the dataset's measurement that are running now have ended."""
    [prepared] = prepare_searches(deployment, "", dataset)
    now = datetime.now(UTC)
    running = {_key(each): each["execution"] for each in prepared.items if is_running(each, now)}
    if not running:
        return
    with stderr.status(
        f"waiting for the end of {quantity(len(running), 'load')}, such as {next(iter(running)).object}"
    ):
        while running:
            time.sleep(POLL_S)
            items, now = items_by_key(running, table=deployment.ledger), datetime.now(UTC)
            running = {
                key: execution
                for key, execution in running.items()
                if is_running(items[key], now) and items[key]["execution"] == execution
            }


def add_late_files(deployment: Deployment, record: UndoRecord, undone: Sequence[LedgerItem]) -> None:
    """Add the files to the record that have points in common with an undone load, and are not in the plan.

    Raises:
        RefusedError: A file that has been loaded since the plan was made has no complete footprint.
    """
    late = _late_files(deployment, record, undone)
    present = [each.item for each in late if exists(deployment, each.item)]
    gone = [each.item["object"] for each in late if each.item not in present]
    if late:
        UndoRecords(deployment.ledger).add_files(record, [version_of(each) for each in present], gone)


def _late_files(deployment: Deployment, record: UndoRecord, undone: Sequence[LedgerItem]) -> list[SharingFile]:
    [prepared] = prepare_searches(deployment, "", record["dataset"])
    check_footprints(prepared)
    # The comparisons are about the times of the loads, not about those when they were undone or loaded again.
    planned_at = {key_of(each): each["changed_at"] for each in record["load_again"]}
    planned = [_changed_at(each, planned_at[_key(each)]) for each in prepared.items if _key(each) in planned_at]
    loads = [_changed_at(each, each.get("load_ended_at", each["changed_at"])) for each in undone]
    files = files_to_load_again(deployment, prepared, loads, planned)
    return [each for each in files if each.item["object"] not in record["gone"]]


def _key(item: LedgerItem) -> ItemKey:
    return ItemKey(item["object"], item["version"])


def _changed_at(item: LedgerItem, time: str) -> LedgerItem:
    return {**item, "changed_at": time}
