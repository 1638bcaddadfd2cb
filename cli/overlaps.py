"""Pairs of files that have points in common: which pairs are possible, and which file's values stand.

`SeriesSpans` collects the first and the last time of each series of each file, and `SeriesSpans.pairs` returns the
pairs with a series that overlaps in time: only these are compared point by point. `standing` tells whose values stand.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.datasets import DATASETS
from shared.footprints import Footprint
from shared.ledger import LedgerItem, bucket_and_key, check_bucket
from shared.revisions import FileVersion, is_newer_file, revision_of, sort_key


class SeriesSpans:
    """The first and the last time of each series of each file, in 24 bytes each."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._columns: list[tuple[NDArray[np.int64], ...]] = []

    def add(self, file: int, part: Footprint) -> None:
        """Add the series of a part of a file, which has this number."""
        if not part.series:
            return
        numbers = [self._numbers.setdefault(name, len(self._numbers)) for name in part.series]
        starts = np.searchsorted(part.points.numbers, np.arange(len(numbers) + 1))
        time = part.points.time
        series = np.array(numbers, np.int64)
        self._columns.append((np.full(len(series), file), series, time[starts[:-1]], time[starts[1:] - 1]))

    def pairs(self) -> set[tuple[int, int]]:
        """Return the pairs of files with a common series whose times overlap, the smaller number first.

        The spans are sorted by series and first time. Step d compares each span with the d-th after it, as long as that
        has the same series, and begins before this one ends: if it does not, none of the later ones does either.

        >>> from shared.footprints import PointBlock
        >>> spans, fields = SeriesSpans(), np.ones(2, np.uint64)
        >>> for file, times in enumerate([[1, 5], [5, 9], [6, 7]]):
        ...     spans.add(file, Footprint(["m"], ("x",), PointBlock(np.zeros(2, np.int32), np.array(times), fields)))
        >>> sorted(spans.pairs())
        [(0, 1), (1, 2)]
        """
        if not self._columns:
            return set()
        columns = (np.concatenate(column) for column in zip(*self._columns, strict=True))
        file, series, first, last = columns
        order = np.lexsort((first, series))
        file, series, first, last = (column[order] for column in (file, series, first, last))
        pairs, step, at = set[tuple[int, int]](), 0, np.arange(len(order))
        while len(at):
            step += 1
            at = at[at + step < len(order)]
            at = at[(series[at + step] == series[at]) & (first[at + step] <= last[at])]
            found = np.unique(np.sort(np.stack([file[at], file[at + step]], axis=1), axis=1), axis=0)
            pairs |= {(one, other) for one, other in found.tolist() if one != other}
        return pairs


class Standing(NamedTuple):
    """The file whose values stand, the other one, and why."""

    file: LedgerItem
    other: LedgerItem
    reason: str


def standing(one: LedgerItem, other: LedgerItem) -> Standing | None:
    """Return whose values stand where both have a value; None if they are not in the same InfluxDB bucket."""
    replaced = check_bucket(one.get("bucket_id", ""), other.get("bucket_id", "")) == "replaced"
    if replaced or DATASETS[one["dataset"]].influxdb_bucket != DATASETS[other["dataset"]].influxdb_bucket:
        return None
    first, last = sorted((one, other), key=lambda item: item["changed_at"])
    if DATASETS[one["dataset"]].revision is None:
        return Standing(last, first, "written last, by accident: the dataset declares no revision")
    versions = [_version(item) for item in (first, last)]
    newer, older = (last, first) if is_newer_file(versions[1], versions[0]) else (first, last)
    # Loads of this release count superseded points, and take part in the order of revisions.
    if newer is first and not all("points_superseded" in item for item in (first, last)):
        return Standing(last, first, "written last, by accident: an earlier release loaded one of the files")
    same_revision = versions[0]["revision"] == versions[1]["revision"]
    return Standing(newer, older, "of the same revision, but modified last" if same_revision else "newer revision")


def _version(item: LedgerItem) -> FileVersion:
    _, key = bucket_and_key(item["object"])
    return {
        "revision": sort_key(revision_of(key, DATASETS[item["dataset"]])),
        "source": item["object"],
        "source_version": item["version"],
        "last_modified": int(item["last_modified"]),
        "sequencer": item["sequencer"],
    }


def comparable(items: Iterable[LedgerItem]) -> tuple[list[LedgerItem], list[LedgerItem]]:
    """Return the items with a footprint and a declared dataset, and the others."""
    known, unknown = list[LedgerItem](), list[LedgerItem]()
    for item in items:
        (known if item.get("footprint") and item["dataset"] in DATASETS else unknown).append(item)
    return known, unknown
