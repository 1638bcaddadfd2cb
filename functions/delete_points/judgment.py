"""Which stored points a request may remove: those that footprints have. All others are foreign, and stop it."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from functions.delete_points.before_image import SERIES, TIME, Mask, fields_of
from functions.delete_points.retention import NO_BOUND_NS
from shared.deletion.runs import Numbers
from shared.footprints import Footprint
from shared.point_index import PointIndex, subtract
from shared.series_keys import Tags, tags_of

MAX_EXAMPLES = 5


class Judgment(NamedTuple):
    """The fields of each point of an image by who wrote them: `foreign` are in no footprint."""

    stale: Mask
    current: Mask
    foreign: Mask


class PlannedPoints:
    """The points of a deletion by their footprints: the stale ones, and those to keep.

    A field that both have is kept: it is a value of a file that counts. `optional` are those to keep that InfluxDB may
    lack, since it rejected them or nobody knows whether it stores them.
    """

    def __init__(self, stale: Footprint, current: Footprint, optional: Footprint, names: list[str]) -> None:
        self._stale = PointIndex(stale, names)
        self._current = PointIndex(current, names) if current.series else None
        self._footprints = [stale, current]
        self._required = subtract(current, [optional]) if optional.series else current
        self._required_index = PointIndex(self._required, names) if self._required.series else None

    def judge(self, image: pa.Table) -> Judgment:
        """Divide the stored fields of each point."""
        stored = fields_of(image)
        current = self._fields(self._current, image) & stored if self._current else np.zeros(len(image), np.uint64)
        stale = self._fields(self._stale, image) & stored & ~current
        return Judgment(stale, current, stored & ~current & ~stale)

    def times(self, tags: Tags, first_ns: int, last_ns: int) -> Numbers:
        """Return the times of all lines of both footprints that a request covers, sorted."""
        return np.sort(
            np.concatenate([each.points.time[_inside(each, tags, first_ns, last_ns)] for each in self._footprints])
        )

    def doubts(
        self, image: pa.Table, tags: Tags, first_ns: int, last_ns: int, *, kept_from_ns: int = NO_BOUND_NS
    ) -> list[str]:
        """Return why the image of a request is not what footprints say: then the reading cannot be believed.

        It must have a stale value, and all values of current files, except those before `kept_from_ns`, which InfluxDB
        drops.
        """
        first_ns = max(first_ns, kept_from_ns)
        is_expected = bool(_inside(self._footprints[0], tags, first_ns, last_ns).any())
        doubts = ["InfluxDB has none of its stale points"] if is_expected and not self.judge(image).stale.any() else []
        if missing := self._missing(image, tags, first_ns, last_ns):
            values = "1 value" if missing == 1 else f"{missing:,} values"
            doubts.append(f"InfluxDB lacks {values} of current files: load these files again first")
        return doubts

    def _missing(self, image: pa.Table, tags: Tags, first_ns: int, last_ns: int) -> int:
        """Return how many values in this time InfluxDB should have, and has not."""
        if self._required_index is None:
            return 0
        inside = self._required.points.fields[_inside(self._required, tags, first_ns, last_ns)]
        stored = self._fields(self._required_index, image) & fields_of(image)
        times = image[TIME].to_numpy()
        stored = stored[(times >= first_ns) & (times <= last_ns)]
        return int(np.bitwise_count(inside).sum()) - int(np.bitwise_count(stored).sum())

    @staticmethod
    def _fields(index: PointIndex, image: pa.Table) -> Mask:
        if not len(image):
            return np.zeros(0, np.uint64)
        series = image[SERIES].combine_chunks().dictionary_encode()
        return index.fields_at(series.dictionary, series.indices.to_numpy(), image[TIME].to_numpy())


def _inside(footprint: Footprint, tags: Tags, first_ns: int, last_ns: int) -> NDArray[np.bool_]:
    """Return, for each line of a footprint, whether a request covers it."""
    matches = np.array([set(tags) <= set(tags_of(series)) for series in footprint.series], bool)
    numbers, time, _ = footprint.points
    return matches[numbers] & (time >= first_ns) & (time <= last_ns)


def examples(image: pa.Table, foreign: Mask) -> list[str]:
    """Return the first foreign points: series and time."""
    rows = image.filter(pa.array(foreign != 0)).slice(0, MAX_EXAMPLES)
    return [f"{row[SERIES]} at {row[TIME]}" for row in rows.to_pylist()]
