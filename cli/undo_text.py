"""The plan of an undo, as `loader undo` prints it before its question."""

from cli.deployed.undo_plan import UndoPlan
from cli.output import quantity, stderr
from cli.stale_deletion import WARNING
from shared.ledger import LedgerItem, bucket_and_key

SHOWN_FILES = 20

LATER_FILES = (
    "files of this revision that arrive later, or are uploaded again, replace the revision before: first make sure "
    "that nothing uploads them any more"
)
"""The warning before the undo of a whole revision."""


def show_plan(plan: UndoPlan, *, delete: bool) -> None:
    """Print which loads will be undone, which files will be loaded again, and which points will go."""
    for item in plan.choice.undone:
        _write(f"undo: {_describe(item)}")
    for item in plan.choice.lost:
        _write(f"undo, too, since this version no longer exists in S3 and cannot be loaded again: {_describe(item)}")
    if plan.choice.head is not None:
        _write(LATER_FILES)
    lines = [f"load again in its place: {_name(item)}" for item in plan.choice.in_place]
    lines += [
        f"load again, since it has {quantity(each.points, 'common point')}: {_name(each.item)}" for each in plan.sharing
    ]
    for line in lines[:SHOWN_FILES]:
        _write(line)
    if more := len(lines) - SHOWN_FILES:
        _write(f"and {more:,} more files" if more > 0 else "")
    for each in plan.gone:
        points = quantity(each.points, "common point")
        _write(f"no longer in S3, so its values of {points} cannot be written again: {_name(each.item)}")
    _write(_removal(plan, delete=delete))
    if plan.removal.uncertain:
        _write(f"{quantity(plan.removal.uncertain, 'more point')} may be stored, which nobody knows: they will stay")
    if plan.removal.kept:
        points = quantity(plan.removal.kept, "point")
        _write(
            f"{points} that only versions wrote that no longer exist in S3 will stay as stale points (`loader stale`)"
        )
    if plan.removal.requests:
        _write(WARNING)


def _removal(plan: UndoPlan, *, delete: bool) -> str:
    """Return what becomes of the points that no other file has."""
    removal, points = plan.removal, quantity(plan.removal.points, "point")
    if not removal.points:
        return "no points will be removed: no other points are known to be stored than those of other files"
    if not plan.can_delete:
        return f"InfluxDB 3 cannot delete points: {points} that no other file has will stay"
    if not delete:
        return f"{points} that no other file has will stay (--no-delete)"
    text = f"{quantity(removal.requests, 'request')}, about {removal.seconds:,.0f} s"
    return f"nothing stands in for {points}: they will be removed ({text})"


def _describe(item: LedgerItem) -> str:
    points = quantity(int(item.get("points_written", 0)), "point")
    return f"{_name(item)}, {item['status']} at {item['changed_at'][:19]}, {points} (load {item['load_id'][:8]})"


def _name(item: LedgerItem) -> str:
    return f"{bucket_and_key(item['object'])[1]}, modified {item['version'].partition(' ')[0]}"


def _write(text: str) -> None:
    if text:
        stderr.print(text, soft_wrap=True, markup=False)
