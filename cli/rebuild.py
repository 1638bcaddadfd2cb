"""`loader rebuild`: plan, ask, delete slice by slice, load the current files again, and look for stale points again.

Each step can be repeated, so the same command continues after an interruption: it first completes the deletion that was
interrupted, plans what is left, and loads all files of the window again.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from cli.deletion import execute, has_removed_all
from cli.deployed.deletions import approval_of, check_reasons, reasons_against, start, unfinished
from cli.deployed.executions import Execution
from cli.deployed.ledger import ledger_items
from cli.deployed.rebuilds import RebuildPlan, Window, deletions_of, doubts_in, own_objects, plan_rebuild, stale_points
from cli.deployed.stack import Deployment
from cli.deployed.stale import PreparedSearch, prepare_searches
from cli.errors import RefusedError
from cli.output import confirm, listing, quantity, stderr
from cli.repeated_loads import MAX_CONCURRENCY, Event, forced_load, run_loads
from cli.stale_deletion import SHOWN_REQUESTS, WARNING, confirm_continuation
from shared.datasets import DATASETS
from shared.deletion.records import Approval, DeletionState
from shared.ledger import LedgerItem
from shared.settings import max_stale_rate
from shared.times import utc_ns

INTERRUPTED = "Loads that have started continue. To load the other files again, run the command again."


class RebuildOptions(NamedTuple):
    """What the operator decided: the points of a slice, no question, and no refusal."""

    max_points: int
    yes: bool
    force: bool


class RebuildResult(NamedTuple):
    """What a rebuild did.

    Attributes:
        deletions: How each deletion ended, also those that it continued first.
        loads: The loads by object and version.
        overtaken: The objects that were not loaded again, since a newer version had arrived, or the load was undone.
        stale: The number of stale points after that; None if a deletion stopped before, or if it is not known.
        doubts: The objects that may have left more stale points, and why that is not known.
    """

    deletions: Mapping[str, DeletionState]
    loads: Mapping[str, Execution] = {}
    overtaken: Sequence[str] = ()
    stale: int | None = None
    doubts: Mapping[str, str] = {}


def rebuild(deployment: Deployment, window: Window, options: RebuildOptions) -> RebuildResult:
    """Rebuild a window. Raise RefusedError if something speaks against it."""
    states = _complete_interrupted(deployment, yes=options.yes)
    prepared = _prepare(deployment, window)
    approval = _check(deployment, prepared, window, force=options.force)
    plan = plan_rebuild(deployment, prepared, window, options.max_points)
    _show_plan(plan)
    if not (options.yes or confirm("Delete the stale points, and load the files again?")):
        raise RefusedError("nothing was deleted: answer y, or add --yes")
    for planned in deletions_of(plan):
        name = start(deployment, planned, approval)["deletion"]
        states[name] = execute(deployment, name)
        if not has_removed_all(states[name]):
            return RebuildResult(states)
    overtaken = list[str]()
    loads = _load_again(deployment, plan, overtaken)
    after = _prepare(deployment, window)
    left = len(stale_points(after, window).points.time)
    stale = None if after.loads.not_checkable else left
    return RebuildResult(states, loads, overtaken, stale, doubts_in(after, window))


def _complete_interrupted(deployment: Deployment, *, yes: bool) -> dict[str, DeletionState]:
    """Complete the deletions that were interrupted, and return how they ended."""
    states = dict[str, DeletionState]()
    for name in unfinished(deployment):
        confirm_continuation(deployment, name, yes=yes)
        states[name] = execute(deployment, name)
        stderr.print(f"deletion {name} has ended: {quantity(states[name]['removed'], 'stale point')} removed")
    return states


def _prepare(deployment: Deployment, window: Window) -> PreparedSearch:
    [prepared] = prepare_searches(deployment, "", window.dataset)
    return prepared


def _check(deployment: Deployment, prepared: PreparedSearch, window: Window, *, force: bool) -> Approval:
    """Return what a person has approved. Raise RefusedError if something speaks against the rebuild."""
    is_own, rate = own_objects(prepared, window.dataset).__contains__, max_stale_rate(deployment.stale_environment())
    reasons = reasons_against(prepared, is_own, rate)
    if not force:
        check_reasons(reasons)
    return approval_of(prepared, is_own, reasons, max_stale_rate=rate, force=force)


def _load_again(deployment: Deployment, plan: RebuildPlan, overtaken: list[str]) -> dict[str, Execution]:
    """Load the files again. Without revisions, the value that is written last stands, so they keep their order."""
    objects = {item["object"] for item in plan.files}
    is_ordered = all(DATASETS[item["dataset"]].revision for item in plan.files) and len(objects) == len(plan.files)
    return run_loads(
        deployment,
        _events(deployment, plan, overtaken),
        total=len(plan.files),
        interrupted=INTERRUPTED,
        concurrency=MAX_CONCURRENCY if is_ordered else 1,
    )


def _events(deployment: Deployment, plan: RebuildPlan, overtaken: list[str]) -> Iterator[tuple[str, Event]]:
    """Yield the loads to start. A file with a newer version is left to the load of that version.

    The forced load of the former one could write over its values. An undone or withdrawn version stays so.
    """
    for item in plan.files:
        if _is_overtaken(deployment, plan, item):
            overtaken.append(item["object"])
            continue
        yield f"{item['object']} {item['version']}", forced_load(item)


def _is_overtaken(deployment: Deployment, plan: RebuildPlan, item: LedgerItem) -> bool:
    """Return whether a version was undone or withdrawn since the plan was made, or a load of another one has begun."""
    known = {(each["object"], each["version"]): each["changed_at"] for each in plan.search.items}
    own = {(each["object"], each["version"]) for each in plan.files}
    versions = list(ledger_items(deployment, item["object"]))
    return any(
        each["version"] == item["version"] and each["status"] in ("undone", "skipped") for each in versions
    ) or any(
        each["status"] in ("claimed", "loaded") and known.get((each["object"], each["version"])) != each["changed_at"]
        for each in versions
        if (each["object"], each["version"]) not in own
    )


def _show_plan(plan: RebuildPlan) -> None:
    points, requests = len(plan.stale.points.time), quantity(len(plan.requests), "request")
    seconds = f", {requests}, about {plan.seconds:,.0f} s" if plan.requests else ""
    stderr.print(f"{plan.search.measurement.name}: {quantity(points, 'stale point')}{seconds}")
    if rewritten := sum(each.rewritten for each in plan.requests):
        stderr.print(f"{quantity(rewritten, 'current point')} will be removed too, and written again")
    table = listing("#points", "#rewritten", "from", "to")
    for each in plan.requests[:SHOWN_REQUESTS]:
        table.add_row(f"{each.stale:,}", f"{each.rewritten:,}", utc_ns(each.first_ns), utc_ns(each.last_ns))
    if plan.requests:
        stderr.print(table)
    if (more := len(plan.requests) - SHOWN_REQUESTS) > 0:
        stderr.print(f"and {more} more")
    stderr.print(f"then {quantity(len(plan.files), 'file')} will be loaded again")
    if plan.requests:
        stderr.print(WARNING, soft_wrap=True)
