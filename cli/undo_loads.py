"""The loads of an undo: of the versions that stand again, and of the files that share points with the undone load.

`load_again` starts them. Each file is checked at its turn (`_due_loads`), since much may have changed after the plan.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from cli.deployed.executions import Execution
from cli.deployed.ledger import ledger_items
from cli.deployed.objects import exists
from cli.deployed.stack import Deployment
from cli.deployed.undo_records import UndoRecord, Version, key_of
from cli.errors import RefusedError
from cli.repeated_loads import MAX_CONCURRENCY, forced_load, run_loads
from cli.undo_choice import may_stand
from shared.datasets import DATASETS
from shared.deletion.records import DeletionState
from shared.ledger import LedgerItem, is_newer, version_id_of
from shared.ledger_items import ItemKey, items_by_key
from shared.slots import is_running


class UndoResult(NamedTuple):
    """How an undo ended.

    Attributes:
        record: What was to be done.
        executions: The loads of the files that were loaded again, by object, and by version if a file has several.
        passed_over: The objects that were not loaded again, since a newer version or revision is loaded by now, or
            since a person has undone or withdrawn them, too.
        deletions: The deletions of this undo and those that were completed before, by name.
        gone: The objects that were not loaded again, since they no longer exist in S3.
        reloaded: The objects that are not undone, since somebody loaded them again after the undo had begun.
        left: How many points of the undone loads are stored, or may be, although no file has them.
        problem: Why it is not complete, and what to do; "" if it is.
    """

    record: UndoRecord
    executions: dict[str, Execution]
    passed_over: list[str]
    deletions: dict[str, DeletionState]
    gone: list[str]
    reloaded: list[str]
    left: int = 0
    problem: str = ""


def check_none_is_running(deployment: Deployment, record: UndoRecord) -> None:
    """Raise RefusedError if a file to load again is being loaded, perhaps since this undo was interrupted."""
    for version in record["load_again"]:
        if running := _running(ledger_items(deployment, version["source"])):
            raise _busy_error(running)


def _running(versions: Iterable[LedgerItem]) -> LedgerItem | None:
    now = datetime.now(UTC)
    return next((each for each in versions if is_running(each, now)), None)


def _busy_error(running: LedgerItem) -> RefusedError:
    return RefusedError(f"{running['object']} is being loaded by {running['execution']}: wait for its end")


def load_again(deployment: Deployment, record: UndoRecord, result: UndoResult, *, skip_failed: bool) -> None:
    """Load the versions again, and add to the result how that ended.

    Where a dataset orders no files, or a file has several versions here, the last one written stands, so they are
    loaded one after the other.

    Raises:
        RefusedError: One of them is being loaded, or was not loaded.
    """
    items, busy = items_by_key(map(key_of, record["load_again"]), table=deployment.ledger), list[LedgerItem]()
    repeated = {name for name, count in Counter(key.object for key in items).items() if count > 1}
    is_ordered = all(DATASETS[each["dataset"]].revision is not None for each in items.values()) and not repeated
    executions = run_loads(
        deployment,
        ((_name(item, repeated), forced_load(item)) for item in _due_loads(deployment, result, items, busy)),
        total=len(items),
        concurrency=MAX_CONCURRENCY if is_ordered else 1,
        interrupted=f"Loads that have started continue. Then run `loader undo {record['load_id']}` again.",
    )
    skipped = [name for name, each in executions.items() if each.message.startswith("Skipped")]
    result.passed_over.extend(skipped)
    result.executions.update((name, each) for name, each in executions.items() if name not in skipped)
    failed = [name for name, each in executions.items() if each.status != "SUCCEEDED"]
    if failed and not skip_failed:
        raise RefusedError(
            f"{failed[0]} was not loaded again ({executions[failed[0]].message}). If it cannot be loaded, add "
            "--skip-failed: its common points keep the undone values until it is"
        )
    if busy:
        raise _busy_error(busy[0])


def _name(item: LedgerItem, repeated: Collection[str]) -> str:
    """Return the name of a load: that of the object, and of the version if several of them are loaded again."""
    return f"{item['object']}, version {version_id_of(item)}" if item["object"] in repeated else item["object"]


def _due_loads(
    deployment: Deployment,
    result: UndoResult,
    items: Mapping[ItemKey, LedgerItem],
    busy: list[LedgerItem],
) -> Iterator[LedgerItem]:
    """Yield the versions to load. Each file is checked at its turn, which may come after many other loads.

    A version that was undone or withdrawn itself, or of which a newer one is loaded, is passed over. A file that is
    being loaded is busy, and one may have left S3 since the plan.
    """
    for version in result.record["load_again"]:
        item, versions = items[key_of(version)], ledger_items(deployment, version["source"])
        if running := _running(versions):
            busy.append(running)
        elif _is_taken_back(item, versions) or _is_overtaken(version, item, versions):
            result.passed_over.append(item["object"])
        elif not exists(deployment, item):
            result.gone.append(item["object"])
        else:
            yield item


def _is_taken_back(item: LedgerItem, versions: Iterable[LedgerItem]) -> bool:
    """Return whether a person has undone or withdrawn the version meanwhile."""
    return any(each["version"] == item["version"] and not may_stand(each) for each in versions)


def _is_overtaken(version: Version, item: LedgerItem, versions: Iterable[LedgerItem]) -> bool:
    """Return whether a newer version was loaded after this one was loaded or skipped.

    Both times are those of Step Functions: the clock of this machine may be wrong. A newer version that was loaded
    before this one does not count: a person has forced this one over it.
    """
    loaded_since = (
        each for each in versions if each["status"] == "loaded" and each["changed_at"] >= version["changed_at"]
    )
    return any(is_newer(each, item) for each in loaded_since)
