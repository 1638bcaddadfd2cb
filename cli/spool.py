"""Points in temporary files, so that memory need not hold all points of a load."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_SPOOL_POINTS = 1_000_000
"""The most points of one window to hold in memory, about 40 MB. A window with more of them is divided."""

DIVISOR = 16

Points = NDArray[Any]
"""An array with the elements `time` (ns), `series` (a number of `SeriesTable`) and `values` (one per field, or NaN)."""


def points_type(fields: Sequence[str]) -> np.dtype[Any]:
    """Return the type of an element of `Points`."""
    return np.dtype([("time", np.int64), ("series", np.int32), ("values", np.float64, (len(fields),))])


class Spool:
    """Points in files of a folder: one file for each `width_ns` of time, in the order in which they were added."""

    def __init__(self, folder: Path, width_ns: int, dtype: np.dtype[Any]) -> None:
        folder.mkdir(exist_ok=True)
        self._folder, self._width_ns, self._dtype = folder, width_ns, dtype
        self._points: Counter[int] = Counter()

    def add(self, points: Points) -> None:
        """Append points to their files."""
        windows = points["time"] // self._width_ns
        order = np.argsort(windows, kind="stable")
        for window, group in zip(*_split(windows[order], points[order]), strict=True):
            with self._path(window).open("ab") as file:
                file.write(group.tobytes())
            self._points[window] += len(group)

    def read(self) -> Iterator[Points]:
        """Yield the points in order of their windows, at most MAX_SPOOL_POINTS at a time, and delete the files.

        All points of one time are yielded together, and are the only ones that may be more.
        """
        for window in sorted(self._points):
            path = self._path(window)
            if self._points[window] <= MAX_SPOOL_POINTS or self._width_ns == 1:
                yield np.fromfile(path, self._dtype)
            else:
                yield from self._divide(window).read()
            path.unlink()

    def _divide(self, window: int) -> "Spool":
        """Return a spool with the points of one window, in narrower windows."""
        narrower = Spool(self._folder / f"{window}.d", max(1, self._width_ns // DIVISOR), self._dtype)
        for first in range(0, self._points[window], MAX_SPOOL_POINTS):
            offset = first * self._dtype.itemsize
            narrower.add(np.fromfile(self._path(window), self._dtype, count=MAX_SPOOL_POINTS, offset=offset))
        return narrower

    def _path(self, window: int) -> Path:
        return self._folder / str(window)


def _split(windows: NDArray[np.int64], points: Points) -> tuple[list[int], list[Points]]:
    """Split points that are sorted by window; return the windows and the points of each."""
    starts = np.flatnonzero(np.diff(windows, prepend=windows[:1] - 1))
    return windows[starts].tolist(), np.split(points, starts[1:]) if len(starts) else []
