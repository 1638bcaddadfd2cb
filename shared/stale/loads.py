"""The loads of a measurement, sorted by whether their plans are current or replaced."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.ledger import LedgerItem
from shared.stale.plans import Plan
from shared.stale.standing import Standing, standings


class ReplacedLoad(NamedTuple):
    """The plan of a load that was replaced, and the ledger's item of its version."""

    plan: Plan
    item: LedgerItem


class Loads(NamedTuple):
    """The loads of a measurement.

    Attributes:
        current: The plans of current loads.
        replaced: Those that were replaced.
        not_checkable: The current objects without a complete footprint. They may have any point, so nothing is stale
            for sure. A search adds those whose footprints it finds to be incomplete.
        unknown: The replaced objects without a complete footprint, of which nobody knows all points.
        not_judged: The objects of older revisions while files of the newest one may still arrive.
        running: The objects that are being loaded: their footprints may be incomplete.
    """

    current: list[Plan]
    replaced: list[ReplacedLoad]
    not_checkable: list[str]
    unknown: list[str]
    not_judged: list[str]
    running: list[str]


def sort_loads(items: Iterable[LedgerItem], plans: Mapping[str, list[Plan]], now: datetime, pause: timedelta) -> Loads:
    """Return the loads by what became of them.

    Args:
        items: The items of all versions of some objects; where revisions replace each other, of whole slots.
        plans: The footprints of these items, by load ID.
        now: The time.
        pause: See `standings`.
    """
    loads = Loads([], [], [], [], [], [])
    for item, standing in standings(items, now, pause):
        own = [_of_item(plan, item) for plan in plans.get(item["load_id"], [])]
        current = [] if standing == "replaced" else _current(own, item)
        loads.current.extend(current)
        executions = {plan.execution for plan in current}
        loads.replaced.extend(ReplacedLoad(plan, item) for plan in own if plan.execution not in executions)
        _add_object(loads, item, standing, has_footprint=bool(own if standing == "replaced" else current))
    return loads


def _of_item(plan: Plan, item: LedgerItem) -> Plan:
    """Return a plan with what the item of its version says. The calendar is that of one execution."""
    calendar = item.get("calendar", "") if plan.prefix == item.get("footprint") else ""
    return plan._replace(source=item["object"], calendar=calendar)


def _current(plans: list[Plan], item: LedgerItem) -> list[Plan]:
    """Return the plans of a version that is current.

    If it is loaded, earlier executions for it were replaced: they may have planned other points, since the declaration
    of the dataset has changed. If not, every attempt counts. There are none if one may be incomplete, or is.
    """
    if not item.get("footprint") and _may_have_points(item):
        # It is of a former release. `loader footprints` may have stored some of its parts, and records the last.
        return []
    if item["status"] == "loaded":
        first, last = item.get("first_time", ""), item.get("last_time", "")
        own = (plan for plan in plans if plan.prefix == item.get("footprint"))
        plans = [plan._replace(first_time=first, last_time=last) for plan in own]
    return plans if all(plan.is_gapless for plan in plans) else []


def _add_object(loads: Loads, item: LedgerItem, standing: Standing, *, has_footprint: bool) -> None:
    if standing == "not judged":
        loads.not_judged.append(item["object"])
    if item["status"] == "claimed" and standing != "replaced":
        loads.running.append(item["object"])
    if not has_footprint and _may_have_points(item):
        (loads.unknown if standing == "replaced" else loads.not_checkable).append(item["object"])


def _may_have_points(item: LedgerItem) -> bool:
    """Return whether a version may have points in InfluxDB. Those of former releases lack some of the counts."""
    if item["status"] == "loaded":
        return int(item.get("input_rows", 1)) > 0
    return int(item.get("points_written", 0)) + int(item.get("points_unknown", 0)) > 0
