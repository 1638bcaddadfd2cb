"""Deletions of stale points: what speaks against one, its plan, and the calls of DeletePoints that execute it.

Only DeletePoints, which runs in AWS, deletes. `reasons_against` and `plan_for` decide on this machine what it may do.
"""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, cast

import boto3
from botocore.config import Config

from cli.deployed.bucket_size import read_bucket_size
from cli.deployed.stack import Deployment
from cli.deployed.stale import PreparedSearch, check_footprints
from cli.errors import RefusedError
from shared.deletion.plan import plan_deletion
from shared.deletion.records import DELETIONS, Approval, Deletion, DeletionState, end_key, plan_key
from shared.deletion.requests import DeletionPlan, instead
from shared.deletion.start import start_deletion
from shared.errors import TransientError, error_names
from shared.footprints import Footprint
from shared.ledger import LedgerItem, bucket_and_key, newest_of
from shared.settings import MAX_STALE_RATE, default_bucket
from shared.slots import replacing_dataset, slot_name
from shared.stale.ledger import datasets_of
from shared.stale.stale_set import StaleSet, stale_set
from shared.times import utc_ns

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

MAX_POINTS = 1_000_000
"""The most points of a deletion. DeletePoints holds them with their values."""

CALL_TIMEOUT_S = 910
"""More than the longest invocation of DeletePoints takes."""

Selection = Callable[[str], bool]
"""Returns whether an object is selected, by its name."""


class PlannedDeletion(NamedTuple):
    """The stale points of one measurement, and the requests that delete them."""

    search: PreparedSearch
    points: StaleSet
    plan: DeletionPlan


def reasons_against(
    prepared: PreparedSearch, is_selected: Selection, max_stale_rate: float = MAX_STALE_RATE
) -> list[str]:
    """Return why the stale points of selected objects should not be deleted without a closer look.

    More than `max_stale_rate` of the points that a replaced load wrote may be a mistake.
    """
    reasons = [f"{name} is being loaded" for name in filter(is_selected, prepared.loads.running)]
    reasons += [
        f"a newer revision of {name} has just arrived" for name in filter(is_selected, prepared.loads.not_judged)
    ]
    written = {each.item["load_id"]: int(each.item.get("points_written", 0)) for each in prepared.loads.replaced}
    counts: dict[tuple[str, str], int] = {}
    for part in prepared.search.find(is_selected):
        if part.kind == "stored":
            key = (part.plan.source, part.plan.load_id)
            counts[key] = counts.get(key, 0) + len(part.points.points.time)
    for (source, load_id), count in sorted(counts.items()):
        if count > max_stale_rate * written.get(load_id, 0):
            total = f"{written[load_id]:,}" if written.get(load_id) else "an unknown number of"
            reasons.append(f"{count:,} of {total} points that a former version of {source} wrote would go")
    return reasons + list(_unfinished_files(prepared.items, {source for source, _ in counts}))


REMEDY = "Look at the points with `loader stale`; if they are right, add --force"
"""What to do if something speaks against a deletion."""


def check_reasons(reasons: list[str], remedy: str = REMEDY) -> None:
    """Raise RefusedError if anything speaks against a deletion."""
    if reasons:
        more = f", and {len(reasons) - 3:,} more reasons" if len(reasons) > 3 else ""  # noqa: PLR2004
        raise RefusedError(f"nothing was deleted: {'; '.join(reasons[:3])}{more}. {remedy}")


def _unfinished_files(items: list[LedgerItem], sources: set[str]) -> Iterator[str]:
    """Yield the current files of the same objects, or of the same slots, that are not loaded completely."""
    versions: dict[str, list[LedgerItem]] = {}
    for item in items:
        versions.setdefault(item["object"], []).append(item)
    slots = {slot for source in sources if (slot := _slot(versions[source][0]))}
    for name, each in sorted(versions.items()):
        current = newest_of(each)
        if current is None or not (name in sources or _slot(current) in slots):
            continue
        if current["status"] in ("claimed", "failed"):
            yield f"{name} is not loaded: its status is {current['status']}"
        elif current.get("verdict") == "partly loaded":
            yield f"{name} is only partly loaded"


def _slot(item: LedgerItem) -> str:
    """Return the slot of a file whose revisions replace each other, or ""."""
    dataset = replacing_dataset(item["dataset"])
    return slot_name(*bucket_and_key(item["object"]), dataset) if dataset else ""


def plan_for(
    deployment: Deployment, prepared: PreparedSearch, is_selected: Selection, *, other_writers: bool
) -> PlannedDeletion | None:
    """Return the plan for the stale points of selected objects; None if there are none.

    Raises:
        RefusedError: InfluxDB cannot delete points, the plan is beyond a limit, or a current file has no complete
            footprint.
    """
    return plan_points(
        deployment, prepared, stale_set(prepared.search, is_selected), is_selected, other_writers=other_writers
    )


def plan_points(
    deployment: Deployment,
    prepared: PreparedSearch,
    points: StaleSet,
    is_selected: Selection,
    *,
    other_writers: bool = False,
) -> PlannedDeletion | None:
    """Return the plan for these stale points of selected objects; None if there are none. It raises like `plan_for`."""
    check_footprints(prepared)
    if not points.stale.series:
        return None
    size = read_bucket_size(deployment, prepared, len({*points.stale.series, *points.current.series}))
    plan = plan_deletion(points.stale, points.current, **size._asdict(), other_writers=other_writers)
    if plan.points + plan.rewritten > MAX_POINTS:
        plan = plan._replace(refusal=f"it would remove more than {MAX_POINTS:,} points")
    if plan.refusal:
        advice = _instead(prepared, is_selected, points.stale)
        raise RefusedError(f"{prepared.measurement.name}: nothing was deleted: {plan.refusal}. Instead, {advice}")
    return PlannedDeletion(prepared, points, plan)


def _instead(prepared: PreparedSearch, is_selected: Selection, stale: Footprint) -> str:
    """Return the command that rebuilds the time of these points."""
    datasets = sorted({each.item["dataset"] for each in prepared.loads.replaced if is_selected(each.item["object"])})
    first_ns, last_ns = int(stale.points.time.min()), int(stale.points.time.max())
    return instead("|".join(datasets), utc_ns(first_ns)[:19], utc_ns(last_ns + 10**9)[:19])


def approval_of(
    prepared: PreparedSearch, is_selected: Selection, reasons: list[str], *, max_stale_rate: float, force: bool
) -> Approval:
    """Return what DeletePoints checks again: what speaks against a deletion, and whether a person approved it."""
    written = {
        each.item["load_id"]: int(each.item.get("points_written", 0))
        for each in prepared.loads.replaced
        if is_selected(each.item["object"])
    }
    return {"force": force, "reasons": reasons, "max_stale_rate": max_stale_rate, "written": sum(written.values())}


def start(deployment: Deployment, planned: PlannedDeletion, approval: Approval) -> Deletion:
    """Store a planned deletion. `execute` begins it."""
    place = planned.search.measurement
    default = default_bucket(deployment.delivery_environment())
    return start_deletion(
        deployment.s3,
        deployment.work_bucket,
        planned.plan,
        planned.points,
        influxdb_bucket=place.bucket,
        measurement=place.name,
        datasets=datasets_of(place.name, place.bucket, default),
        planned_at=planned.search.read_at,
        approval=approval,
    )


def unfinished(deployment: Deployment) -> list[str]:
    """Return the deletions that were interrupted."""
    keys = set(deployment.work_keys(f"{DELETIONS}/"))
    names = sorted({key.split("/")[1] for key in keys})
    return [name for name in names if plan_key(name) in keys and end_key(name) not in keys]


def call(deployment: Deployment, deletion: str, *, restore: bool = False) -> DeletionState:
    """Call DeletePoints, which does the next step.

    Raises:
        StepError: The function failed.
    """
    config = Config(read_timeout=CALL_TIMEOUT_S, retries={"total_max_attempts": 1})
    client: LambdaClient = boto3.client("lambda", config=config)
    payload = json.dumps({"deletion": deletion, "restore": restore}).encode()
    reply = client.invoke(FunctionName=deployment.delete_points_name, Payload=payload)
    content = json.loads(reply["Payload"].read())
    if "FunctionError" in reply:
        raise StepError(content.get("errorType", ""), content.get("errorMessage", ""))
    return cast(DeletionState, content)


class StepError(Exception):
    """A step of a deletion failed. It can be repeated."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.may_heal = name in error_names(TransientError) or name.startswith("Sandbox.")
