"""The registrations of a load: one for each month of its points."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.datasets import DATASETS
from shared.events import LoadState
from shared.registrations import Registration, month_name, registration_name
from shared.revisions import revision_of, sort_key
from shared.settings import default_bucket


class MonthSpan(NamedTuple):
    """The first and the last time of some points in one month, in ns since 1970. `month` is such as 2024-01."""

    month: str
    first_ns: int
    last_ns: int


def month_spans(times: Iterable[NDArray[np.int64]]) -> list[MonthSpan]:
    """Return the months in which there are points, in order.

    >>> hours = np.array(["2024-01-31T22", "2024-01-31T23", "2024-03-01T00"], "datetime64[ns]").astype(np.int64)
    >>> [(span.month, span.last_ns - span.first_ns) for span in month_spans([hours[1:], hours[:1]])]
    [('2024-01', 3600000000000), ('2024-03', 0)]

    Args:
        times: The times of the points of each part.
    """
    spans: dict[str, MonthSpan] = {}
    for part in times:
        months = part.astype("datetime64[ns]").astype("datetime64[M]")
        for month in np.unique(months):
            name, inside = str(month), part[months == month]
            first, last = int(inside.min()), int(inside.max())
            former = spans.get(name, MonthSpan(name, first, last))
            spans[name] = MonthSpan(name, min(first, former.first_ns), max(last, former.last_ns))
    return [spans[name] for name in sorted(spans)]


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
            "written": False,
            "active_until": claim["lease_until"],
        }
        for span in spans
    ]
