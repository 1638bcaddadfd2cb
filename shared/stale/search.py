"""The search for stale points: the footprints of replaced loads, without what current files contain.

`find` reads one part of a replaced load after the other, and takes out of it, in this order: the values that current
files have, those that InfluxDB rejected, those that a deletion removed, and those that a replaced load before has, so
that each stale value is counted once. Memory holds one part, and one part to compare with, of which only the row groups
are decoded whose series and times may meet.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, NamedTuple

from shared.footprints import Footprint, PointRange
from shared.ledger import check_bucket
from shared.point_index import range_of, subtract
from shared.stale.fate import Fate, Fates
from shared.stale.loads import Loads, ReplacedLoad
from shared.stale.plans import Footprints, IncompleteFootprintError, Plan
from shared.stale.removals import Removals, removal_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

StaleKind = Literal["stored", "uncertain", "rejected"]


class Measurement(NamedTuple):
    """An InfluxDB bucket, one of its measurements, and the id of the bucket; "" if that is not known."""

    bucket: str
    name: str
    bucket_id: str = ""


class StalePart(NamedTuple):
    """Points of one part of a replaced load that no current file contains.

    Attributes:
        plan: The plan of the replaced load.
        kind: "stored"; "uncertain", if nobody can know whether they are; or "rejected", if InfluxDB rejected them, or
            may have.
        points: The points, with only those fields that no current file has.
    """

    plan: Plan
    kind: StaleKind
    points: Footprint


class _Replaced(NamedTuple):
    load: ReplacedLoad
    fate: Fate


class OutOfTimeError(Exception):
    """No time is left for the rest of a search."""


class StaleSearch:
    """The search in one measurement.

    Attributes:
        is_finished: False once a search ended before it had compared everything, since no time was left.

    Args:
        client: The S3 client.
        work_bucket: The work bucket.
        measurement: The measurement.
        loads: All loads that may have points in the time that is searched.
        has_time: Returns whether time is left to read another footprint.
    """

    def __init__(
        self,
        client: "S3Client",
        work_bucket: str,
        measurement: Measurement,
        loads: Loads,
        *,
        has_time: Callable[[], bool] = lambda: True,
    ) -> None:
        self.is_finished = True
        self._has_time = has_time
        self._footprints = Footprints(client, work_bucket)
        self._fates = Fates(client, work_bucket)
        self._removals = Removals(client, work_bucket, removal_prefix(measurement.bucket, measurement.name))
        self._bucket_id = measurement.bucket_id
        self._loads = loads

    def find(self, is_selected: Callable[[str], bool] = lambda _: True) -> Iterator[StalePart]:
        """Yield the stale points of the replaced loads of selected objects; those that are certain come first.

        There are none while a current object has no footprint (`Loads.not_checkable`). If one turns out to be
        incomplete, the search adds it there, and ends.
        """
        with self._end_early():
            yield from () if self._loads.not_checkable else self._find(self._replaced(is_selected))

    def _find(self, replaced: list[_Replaced]) -> Iterator[StalePart]:
        for number, (load, fate) in enumerate(replaced):
            kind: StaleKind = "stored" if fate.certainty == "stored" else "uncertain"
            for part in self._read_replaced(load):
                planned = _without_plans(part, self._current_first(load.plan), self._read)
                stored = self._stored(planned, fate)
                if fate.rejected and (rejected := subtract(planned, [stored])).series:
                    yield StalePart(load.plan, "rejected", rejected)
                if (rest := self._without_replaced(stored, replaced[:number])).series:
                    yield StalePart(load.plan, kind, rest)

    def current(self, within: PointRange) -> Iterator[Footprint]:
        """Yield the points of current files in a range, part by part. Two files may have the same point."""
        return (part for _, part in self.current_parts(within))

    def current_parts(self, within: PointRange) -> Iterator[tuple[Plan, Footprint]]:
        """Yield the same, each with the plan of its load."""
        with self._end_early():
            for plan in self._loads.current:
                for part in self._read(plan, within):
                    yield plan, part

    @contextmanager
    def _end_early(self) -> Iterator[None]:
        """End if no time is left, or at an incomplete footprint: its object then counts as one without a footprint."""
        try:
            yield
        except IncompleteFootprintError as error:
            self._loads.not_checkable.append(error.plan.source)
        except OutOfTimeError:
            self.is_finished = False

    def _read(self, plan: Plan, within: PointRange | None = None) -> Iterator[Footprint]:
        for part in self._footprints.read(plan, within):
            if not self._has_time():
                raise OutOfTimeError
            yield part

    def _read_replaced(self, load: ReplacedLoad, within: PointRange | None = None) -> Iterator[Footprint]:
        """Yield the parts of a replaced load. Of one that lacks parts, nobody knows all points."""
        try:
            yield from self._read(load.plan, within)
        except IncompleteFootprintError:
            self._loads.unknown.append(load.item["object"])

    def rejected(self, within: PointRange) -> Iterator[Footprint]:
        """Yield the points of current files that InfluxDB rejected, or may have, for files with points in a range."""
        for plan in self._loads.current:
            if plan.may_meet(within) and (rejected := self._fates.rejected(plan)).series:
                yield rejected

    def _replaced(self, is_selected: Callable[[str], bool]) -> list[_Replaced]:
        """Return the replaced loads that may have left points in the InfluxDB bucket."""
        selected = (load for load in self._loads.replaced if is_selected(load.item["object"]))
        replaced = [_Replaced(load, self._fates.read(load.plan, load.item)) for load in selected]
        present = [
            each
            for each in replaced
            if each.fate.certainty != "not stored" and check_bucket(each.fate.bucket_id, self._bucket_id) != "replaced"
        ]
        return sorted(present, key=lambda each: each.fate.certainty != "stored")

    def _without_replaced(self, points: Footprint, before: Collection[_Replaced]) -> Footprint:
        """Return the values that none of these replaced loads has stored."""
        for other in before:
            if not points.series:
                break
            parts = self._read_replaced(other.load, range_of(points))
            points = subtract(points, (self._stored(each, other.fate) for each in parts))
        return points

    def _current_first(self, plan: Plan) -> list[Plan]:
        """Return the current plans; that of the version that replaced this one first: it has most of the points."""
        return sorted(self._loads.current, key=lambda each: each.source != plan.source)

    def _stored(self, points: Footprint, fate: Fate) -> Footprint:
        """Return the points without those that InfluxDB rejected or a deletion removed."""
        if fate.rejected:
            points = subtract(points, [fate.rejected])
        if not points.series:
            return points
        return subtract(points, self._removals.after(fate.ended_at, range_of(points)))


def _without_plans(
    points: Footprint, plans: Iterable[Plan], read: Callable[[Plan, PointRange], Iterator[Footprint]]
) -> Footprint:
    """Return the values that no plan has. Once none is left, the other plans are not read."""
    for plan in plans:
        if not points.series:
            break
        points = subtract(points, read(plan, range_of(points)))
    return points
