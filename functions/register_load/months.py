"""The registrations of a load: one for each month of its points."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from functions.register_load.series_bits import encode_bits, series_bits
from shared.datasets import DATASETS
from shared.events import LoadState
from shared.footprints import Footprint
from shared.registrations import Registration, month_name, registration_name
from shared.revisions import revision_of, sort_key
from shared.settings import default_bucket


class MonthSpan(NamedTuple):
    """The first and the last time of some points in one month, in ns since 1970, and the bits of their series.

    `month` is such as 2024-01. The bits may be those of more series, which have points in other months only.
    """

    month: str
    first_ns: int
    last_ns: int
    series: int


def month_spans(footprints: Iterable[Footprint]) -> list[MonthSpan]:
    """Return the months in which there are points, in order.

    >>> from shared.footprints import PointBlock
    >>> hours = np.array(["2024-01-31T22", "2024-01-31T23", "2024-03-01T00"], "datetime64[ns]").astype(np.int64)
    >>> points = PointBlock(np.zeros(3, np.int32), hours, np.ones(3, np.uint64))
    >>> spans = month_spans([Footprint(["m,t=a"], ("x",), points)])
    >>> [(span.month, span.last_ns - span.first_ns) for span in spans]
    [('2024-01', 3600000000000), ('2024-03', 0)]

    Args:
        footprints: The footprint of each part.
    """
    spans: dict[str, MonthSpan] = {}
    for footprint in footprints:
        bits = series_bits(footprint.series)
        for name, inside in _by_month(footprint.points.time):
            first, last = int(inside.min()), int(inside.max())
            former = spans.get(name, MonthSpan(name, first, last, 0))
            span = MonthSpan(name, min(first, former.first_ns), max(last, former.last_ns), former.series | bits)
            spans[name] = span
    return [spans[name] for name in sorted(spans)]


def _by_month(times: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.int64]]]:
    """Yield each month that has one of the times, in ns since 1970, with all of its times."""
    if not len(times):
        return
    first, last = np.array([times.min(), times.max()]).astype("datetime64[ns]").astype("datetime64[M]")
    months = np.arange(first, last + 1)
    # Without the first start, before which there is no time, and which may not fit into nanoseconds.
    starts = months[1:].astype("datetime64[ns]").astype(np.int64)
    numbers = np.searchsorted(starts, times, side="right")
    for number in np.flatnonzero(np.bincount(numbers)):
        yield str(months[number]), times[numbers == number]


def registrations_of(load: LoadState, spans: Iterable[MonthSpan], default: str = "") -> list[Registration]:
    """Return the items that the execution adds to the ledger before its first write.

    `default` is the default InfluxDB bucket, if the environment does not name it.
    """
    file, execution = load["file"], load["execution"]["name"]
    claim, dataset = file["claim"], DATASETS[file["dataset"]]
    bucket = dataset.influxdb_bucket or default or default_bucket()
    return [
        {
            "object": month_name(bucket, dataset.measurement, span.month),
            "version": registration_name(file["load_id"], execution),
            "revision": sort_key(revision_of(file["key"], dataset)),
            "source": claim["object"],
            "source_version": claim["version"],
            "last_modified": claim["last_modified"],
            "sequencer": claim["sequencer"],
            "dataset": dataset.name,
            "load_id": file["load_id"],
            "execution": execution,
            "bucket_id": load["health"].get("bucket_ids", {}).get(dataset.name, ""),
            "first_ns": span.first_ns,
            "last_ns": span.last_ns,
            "series": encode_bits(span.series),
            "written": False,
            "active_until": claim["lease_until"],
        }
        for span in spans
    ]
