"""`loader stale --delete`: complete what was interrupted, then plan, ask, and delete, one measurement after another."""

from collections.abc import Mapping
from typing import NamedTuple, cast

from cli.deletion import execute, has_removed_all, show_state
from cli.deployed.deletions import (
    PlannedDeletion,
    approval_of,
    check_reasons,
    plan_for,
    reasons_against,
    start,
    unfinished,
)
from cli.deployed.stack import Deployment
from cli.deployed.stale import PreparedSearch, prepare_searches
from cli.errors import RefusedError
from cli.output import confirm, console, listing, quantity, show_json, stderr
from cli.targets import check_dataset, parse_prefix
from shared.deletion.records import Deletion, DeletionState, plan_key
from shared.deletion.requests import predicate
from shared.settings import max_stale_rate
from shared.times import utc_ns


class DeleteOptions(NamedTuple):
    """What the operator decided: no question, no refusal, other programs that write, and JSON instead of text."""

    yes: bool
    force: bool
    other_writers: bool
    as_json: bool


SHOWN_REQUESTS = 10

WARNING = (
    "Points that other programs write to this time while a request runs may be lost: stop them first. Loads of the "
    "loader wait. What is removed is stored before, and `loader restore` writes it back."
)


def delete_stale(deployment: Deployment, prefix: str, dataset: str, options: DeleteOptions) -> bool:
    """Delete the stale points of the files under a prefix. Return whether all of them were removed.

    Raises:
        RefusedError: Something speaks against it, or the operator does not agree.
    """
    if dataset:
        check_dataset(dataset)
    address, states = parse_prefix(prefix, deployment.source_bucket), dict[str, DeletionState]()
    try:
        for name in unfinished(deployment):
            confirm_continuation(deployment, name, yes=options.yes)
            states[name] = execute(deployment, name)
        for prepared in prepare_searches(deployment, address.prefix, dataset):
            states |= _delete(deployment, prepared, address.address, options)
    except RefusedError:
        if states:
            _show_states(states, options)
        raise
    _show_states(states, options)
    return all(has_removed_all(state) for state in states.values())


def _show_states(states: Mapping[str, DeletionState], options: DeleteOptions) -> None:
    if options.as_json:
        show_json(states)
        return
    if not states:
        console.print("no stale points")
    for name, state in states.items():
        show_state(name, state)


def confirm_continuation(deployment: Deployment, name: str, *, yes: bool) -> None:
    """Say which interrupted deletion comes first, and ask. Raise RefusedError if the operator does not agree."""
    plan = cast(Deletion, deployment.work_json(plan_key(name)))
    stale = quantity(sum(request["stale"] for request in plan["requests"]), "stale point")
    place = f"{plan['measurement']} in the InfluxDB bucket {plan['influxdb_bucket']}"
    text = f"deletion {name} of {stale} of {place}, planned at {plan['planned_at']}, was interrupted: it comes first"
    stderr.print(text, soft_wrap=True, markup=False)
    if not (yes or confirm("Continue it?")):
        raise RefusedError(
            f"nothing more was deleted: answer y, or add --yes, to continue deletion {name}; to give it up and write "
            f"everything back, run `loader restore {name}`"
        )


def _delete(
    deployment: Deployment, prepared: PreparedSearch, address: str, options: DeleteOptions
) -> dict[str, DeletionState]:
    def is_selected(name: str) -> bool:
        return name.startswith(address)

    planned = plan_for(deployment, prepared, is_selected, other_writers=options.other_writers)
    if planned is None:
        return {}
    rate = max_stale_rate(deployment.stale_environment())
    reasons = reasons_against(prepared, is_selected, rate)
    if not options.force:
        check_reasons(reasons)
    _show_plan(planned)
    if not (options.yes or confirm("Delete these points?")):
        raise RefusedError("nothing was deleted: answer y, or add --yes")
    approval = approval_of(prepared, is_selected, reasons, max_stale_rate=rate, force=options.force)
    deletion = start(deployment, planned, approval)["deletion"]
    return {deletion: execute(deployment, deletion)}


def _show_plan(planned: PlannedDeletion) -> None:
    plan, name = planned.plan, planned.search.measurement.name
    points = quantity(plan.points, "stale point")
    stderr.print(f"{name}: {points}, {quantity(len(plan.requests), 'request')}, about {plan.seconds:,.0f} s")
    if plan.rewritten:
        stderr.print(f"{quantity(plan.rewritten, 'current point')} will be removed too, and written again")
    if uncertain := len(planned.points.optional.points.time):
        points = quantity(uncertain, "point")
        stderr.print(f"{points} in this time that InfluxDB may have stored or not will stay as they are")
    table = listing("#points", "#rewritten", "from", "to", "predicate")
    for each in plan.requests[:SHOWN_REQUESTS]:
        times = utc_ns(each.first_ns), utc_ns(each.last_ns)
        table.add_row(f"{each.stale:,}", f"{each.rewritten:,}", *times, predicate(name, each.tags))
    stderr.print(table)
    if more := len(plan.requests) - SHOWN_REQUESTS:
        stderr.print(f"and {more} more" if more > 0 else "")
    stderr.print(WARNING, soft_wrap=True)
