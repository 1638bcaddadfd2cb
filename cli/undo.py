"""`loader undo`: plan, ask, make the load undone, load again what it had overwritten, and delete what only it had.

`undo_load` makes the plan and asks; if the undo has begun before, it continues. `_finish` does the steps after that.
Each can be repeated after a crash, since the record in the ledger (`cli.deployed.undo_records`) has the plan.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from cli.deletion import execute
from cli.deployed.buckets import can_delete, invoke_check_health
from cli.deployed.deletions import PlannedDeletion, check_reasons, plan_points, start, unfinished
from cli.deployed.ledger import ledger_items
from cli.deployed.names import is_key
from cli.deployed.stack import Deployment
from cli.deployed.stale import PreparedSearch, check_footprints, prepare_searches
from cli.deployed.undo_plan import REMEDY, find_item, make_plan, reasons_of, record_of
from cli.deployed.undo_records import UndoRecord, UndoRecords, key_of, withdraw_registrations
from cli.deployed.undone_points import count_uncertain, undone_points
from cli.errors import RefusedError
from cli.output import confirm, detach_on_interrupt, stderr
from cli.stale_deletion import confirm_continuation
from cli.undo_late import add_late_files, wait_for_loads
from cli.undo_loads import UndoResult, check_none_is_running, load_again
from cli.undo_text import show_plan
from shared.deletion.records import Approval, DeletionState
from shared.ledger import LedgerItem, bucket_and_key, is_newer
from shared.ledger_items import ItemKey
from shared.slots import replacing_dataset, slot_name
from shared.stale.records import StaleRecords

ATTEMPTS = 3
"""How often to plan the deletion: files that were loaded since the plan make it outdated."""


class UndoOptions(NamedTuple):
    """What the operator decided.

    Attributes:
        yes: Do not ask.
        force: Do not refuse because of other files.
        delete: Delete the points that no other file has.
        skip_failed: Go on without the files that cannot be loaded again.
    """

    yes: bool
    force: bool
    delete: bool
    skip_failed: bool = False


def undo_load(deployment: Deployment, load: str, options: UndoOptions) -> UndoResult:
    """Undo a load, or continue its undo, and return how it ended.

    Raises:
        RefusedError: Nothing was changed.
    """
    named, records = find_item(deployment, load), UndoRecords(deployment.ledger)
    record = _begun(records, named, by_key=is_key(load))
    if record:
        stderr.print(f"continuing the undo that began at {record['begun_at']}", style="dim")
        return _finish(deployment, record, options)
    if is_key(load):
        _check_no_newer_is_undone(deployment, named)
    with stderr.status("comparing footprints"):
        plan = make_plan(deployment, named, delete=options.delete, force=options.force)
    show_plan(plan, delete=options.delete)
    if not (options.yes or confirm("Undo this load?")):
        raise RefusedError("nothing was undone: answer y, or add --yes")
    record = record_of(deployment, plan)
    _make_due(deployment, plan.undone)
    records.begin(record)
    return _finish(deployment, record, options)


def _begun(records: UndoRecords, named: LedgerItem, *, by_key: bool) -> UndoRecord | None:
    """Return the undo to continue. Raise RefusedError if another version of the object is the one to finish first."""
    for record in records.read():
        if ItemKey(named["object"], named["version"]) in {key_of(each) for each in record["undone"]}:
            return record
        if named["object"] in {each["source"] for each in record["undone"]}:
            if by_key:
                return record
            raise RefusedError(
                f"an undo of another version of {named['object']} is not complete: run `loader undo "
                f"{record['load_id']}` first"
            )
    return None


def _check_no_newer_is_undone(deployment: Deployment, named: LedgerItem) -> None:
    """Raise RefusedError if a version after this one is undone: a command that is repeated must not undo another."""
    versions = ledger_items(deployment, named["object"])
    if named["status"] == "loaded" and any(
        each["status"] == "undone" and not is_newer(named, each) for each in versions
    ):
        raise RefusedError(
            f"nothing was undone: the version of {named['object']} that was loaded last is undone already. To undo the "
            f"version before it, too, run `loader undo {named['load_id']}`"
        )


def _make_due(deployment: Deployment, undone: Sequence[LedgerItem]) -> None:
    """Let the next sweep count the stale points of the objects, whatever becomes of this command."""
    now = datetime.now(UTC)
    for item in undone:
        dataset, name = replacing_dataset(item["dataset"]), item["object"]
        name = slot_name(*bucket_and_key(name), dataset).removeprefix("slot:") if dataset else name
        StaleRecords(deployment.ledger).make_due(
            {
                "name": name,
                "dataset": item["dataset"],
                "points": 0,
                "series_count": 0,
                "checked_at": "",
                "due_at": "",
                "source": item["object"],
                "source_version": item["version"],
                "not_checkable_count": 0,
            },
            now,
        )


def _finish(deployment: Deployment, record: UndoRecord, options: UndoOptions) -> UndoResult:
    """Do all steps that follow the question. Those that an interrupted command has done are done again."""
    command = f"`loader undo {record['load_id']}`"
    with detach_on_interrupt(lambda: f"The undo is not complete. To continue it, run {command}."):
        result = UndoResult(record, {}, [], {}, list(record["gone"]), [])
        try:
            return _do_steps(deployment, record, options, result)
        except RefusedError as error:
            return result._replace(problem=f"{error}. To continue the undo, run {command}")


def _do_steps(deployment: Deployment, record: UndoRecord, options: UndoOptions, result: UndoResult) -> UndoResult:
    records, bucket = UndoRecords(deployment.ledger), deployment.influxdb_bucket(record["dataset"])
    undone = records.complete_marks(record)
    result.reloaded.extend(_reloaded(record, undone))
    withdraw_registrations(deployment.ledger, undone, bucket)
    for name in unfinished(deployment):
        confirm_continuation(deployment, name, yes=options.yes)
        result.deletions[name] = execute(deployment, name)
    own = [each for each in undone if each["load_id"] in record["load_ids"]]
    check_none_is_running(deployment, record)
    wait_for_loads(deployment, record["dataset"])
    add_late_files(deployment, record, own)
    result.gone[:] = record["gone"]
    load_again(deployment, record, result, skip_failed=options.skip_failed)
    # The plan that the operator confirmed had other points if files were loaded again since then, so all points stay.
    options = options._replace(delete=options.delete and not result.reloaded)
    left = _delete(deployment, record, own, options, result.deletions)
    records.end(record)
    return result._replace(left=left)


def _reloaded(record: UndoRecord, undone: Iterable[LedgerItem]) -> list[str]:
    """Return the objects of the versions that were to be undone, and are not."""
    keys = {ItemKey(each["object"], each["version"]) for each in undone}
    return [each["source"] for each in record["undone"] if key_of(each) not in keys]


def _delete(
    deployment: Deployment,
    record: UndoRecord,
    undone: Sequence[LedgerItem],
    options: UndoOptions,
    deletions: dict[str, DeletionState],
) -> int:
    """Delete the points that no other file has, and return how many of the undone loads are left."""
    for _ in range(ATTEMPTS):
        prepared = _prepare(deployment, record)
        planned = _plan(deployment, prepared, undone, options)
        if planned is None:
            break
        name = start(deployment, planned, _approval(planned, undone, force=options.force))["deletion"]
        deletions[name] = execute(deployment, name)
        if deletions[name]["status"] != "outdated":
            prepared = _prepare(deployment, record)
            break
    else:
        raise RefusedError("files of the measurement are being loaded all the time, so the points were not all deleted")
    ids = {each["load_id"] for each in undone}
    points = undone_points(deployment, prepared, ids)
    return len(points.stale.points.time) + count_uncertain(deployment, prepared, ids)


def _prepare(deployment: Deployment, record: UndoRecord) -> PreparedSearch:
    [prepared] = prepare_searches(deployment, "", record["dataset"])
    return prepared


def _plan(
    deployment: Deployment, prepared: PreparedSearch, undone: Sequence[LedgerItem], options: UndoOptions
) -> PlannedDeletion | None:
    """Return the deletion of the points that no other file has, if there are any, and it is possible and wanted."""
    points = undone_points(deployment, prepared, {each["load_id"] for each in undone})
    check_footprints(prepared)
    if not (options.delete and points.stale.series and can_delete(invoke_check_health(deployment))):
        return None
    names = {each["object"] for each in undone}
    if not options.force:
        check_reasons(reasons_of(prepared, names), REMEDY)
    return plan_points(deployment, prepared, points, names.__contains__)


def _approval(planned: PlannedDeletion, undone: Sequence[LedgerItem], *, force: bool) -> Approval:
    """Return what DeletePoints checks again: a person has named the load, so that all of its points may go."""
    reasons = reasons_of(planned.search, {each["object"] for each in undone})
    return {"force": force, "reasons": reasons, "max_stale_rate": 1.0, "written": len(planned.points.stale.points.time)}
