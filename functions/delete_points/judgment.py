"""Which stored points a request may remove: those that footprints have. All others are foreign, and stop it."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from functions.delete_points.before_image import SERIES, TIME, Mask, fields_of
from shared.deletion.runs import Numbers
from shared.footprints import Footprint
from shared.point_index import PointIndex
from shared.series_keys import Tags, tags_of

MAX_EXAMPLES = 5


class Judgment(NamedTuple):
    """The fields of each point of an image by who wrote them: `foreign` are in no footprint."""

    stale: Mask
    current: Mask
    foreign: Mask


class PlannedPoints:
    """The stale and the current points of a deletion, by their footprints.

    A field that both have is current: it is a value of a file that counts.
    """

    def __init__(self, stale: Footprint, current: Footprint, names: list[str]) -> None:
        self._stale = PointIndex(stale, names)
        self._current = PointIndex(current, names) if current.series else None
        self._footprints = [stale, current]

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

    def doubts(self, image: pa.Table, tags: Tags, first_ns: int, last_ns: int) -> list[str]:
        """Return why the image of a request is not what footprints say: then the reading cannot be believed.

        It must have a stale value, and all values of current files.
        """
        judgment, (_, current) = self.judge(image), self._footprints
        inside = current.points.fields[_inside(current, tags, first_ns, last_ns)]
        missing = int(np.bitwise_count(inside).sum()) - int(np.bitwise_count(judgment.current).sum())
        doubts = [] if judgment.stale.any() else ["InfluxDB has none of its stale points"]
        if missing:
            values = "1 value" if missing == 1 else f"{missing:,} values"
            doubts.append(f"InfluxDB lacks {values} of current files: load these files again first")
        return doubts

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
