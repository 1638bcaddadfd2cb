"""The points and series of each day of a part, counted from its sorted lines."""

from datetime import timedelta
from zlib import crc32

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.calendars import EPOCH, Count
from shared.footprints import PointBlock

DAY_NS = 86_400_000_000_000

_MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
"""Odd numbers without a pattern, which distribute the digests of series and times over 64 bits."""


class DayCounter:
    """Counts the lines and series of each day, block by block. The arrays have an element for each day.

    The digest of a day is a sum over its lines, and does not depend on their order or on the day: days with the same
    series at the same times of day have the same digest.

    >>> counter = DayCounter(pa.array(["m,t=x", "m,t=y"]), 0, 2 * DAY_NS)
    >>> counter.add(PointBlock(np.array([0, 0, 1]), np.array([5, 2 * DAY_NS + 5, 7]), np.ones(3, np.uint64)))
    >>> {day: count[:2] for day, count in counter.calendar().items()}
    {'1970-01-01': (2, 2), '1970-01-03': (1, 1)}

    Args:
        names: All series, ascending.
        first_ns: The first time of the lines in ns.
        last_ns: The last time of the lines in ns.
    """

    def __init__(self, names: pa.Array, first_ns: int, last_ns: int) -> None:
        digests = np.array([crc32(name.encode()) for name in names.to_pylist()], np.uint64)
        self._series_digests = (digests + np.uint64(1)) * _MIX[0]
        self._first_day = first_ns // DAY_NS
        days = last_ns // DAY_NS - self._first_day + 1
        self._points, self._series = np.zeros(days, np.int64), np.zeros(days, np.int64)
        self._points_digest, self._series_digest = np.zeros(days, np.uint64), np.zeros(days, np.uint64)
        self._last = (-1, -1)

    def add(self, block: PointBlock) -> None:
        """Count the next lines, of which there is at least one.

        A group is the lines of one series on one day, which follow each other.
        """
        day = block.time // DAY_NS
        time_of_day = (block.time - day * DAY_NS).view(np.uint64)
        day -= self._first_day
        is_first = np.append(True, (np.diff(block.numbers) != 0) | (np.diff(day) != 0))
        starts = np.flatnonzero(is_first)
        self._count_points(block, day, time_of_day, starts)
        groups = starts[1:] if self._last == (block.numbers[0], day[0]) else starts
        np.add.at(self._series, day[groups], 1)
        np.add.at(self._series_digest, day[groups], self._series_digests[block.numbers[groups]])
        self._last = (int(block.numbers[-1]), int(day[-1]))

    def _count_points(
        self, block: PointBlock, day: NDArray[np.int64], time_of_day: NDArray[np.uint64], starts: NDArray[np.int64]
    ) -> None:
        digests = (time_of_day + np.uint64(1)) * _MIX[1]
        digests ^= digests >> np.uint64(29)
        digests *= self._series_digests[block.numbers]
        np.add.at(self._points, day[starts], np.diff(starts, append=len(day)))
        np.add.at(self._points_digest, day[starts], np.add.reduceat(digests, starts))

    def calendar(self) -> dict[str, Count]:
        """Return the counts of the days that have lines."""
        days = np.flatnonzero(self._points)
        digests = (digest & np.uint64(0xFFFFFFFF) for digest in (self._points_digest, self._series_digest))
        columns = (self._points, self._series, *digests)
        counts = zip(*(column[days].tolist() for column in columns), strict=True)
        return {
            f"{EPOCH + timedelta(days=self._first_day + day)}": Count(*count)
            for day, count in zip(days.tolist(), counts, strict=True)
        }
