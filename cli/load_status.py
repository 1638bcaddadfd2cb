"""The state of all loads at one moment, from the entries of the ledger, as `loader status` shows it.

`summarize` counts the entries by what they mean for the operator, and the points of each dataset by hour.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cli.deployed.ledger import Entry
from cli.deployed.unloaded import is_unloaded

HOURS = 24
"""The number of hours for which points are counted."""

_BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, kw_only=True)
class DatasetActivity:
    """The loads of one dataset in the last `HOURS`: `points` has one number for each hour, the oldest first."""

    dataset: str
    last_load: datetime
    files: int
    points: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class LoadStatus:
    """The loads of a deployment.

    Attributes:
        running: the versions that are being loaded, the oldest first.
        needs_person: the files whose newest version failed or was abandoned, and that no sweep loads again.
        waiting: the files that a sweep loads again, with the next one first.
        partly_loaded: the files that were loaded in part in the last `HOURS`.
        activity: the datasets of which files were loaded in the last `HOURS`, by name.
    """

    running: Sequence[Entry]
    needs_person: Sequence[Entry]
    waiting: Sequence[Entry]
    partly_loaded: Sequence[Entry]
    activity: Sequence[DatasetActivity]


def summarize(
    claimed: Iterable[Entry], unloaded: Iterable[Entry], loaded: Iterable[Entry], now: datetime, *, sweeps: bool
) -> LoadStatus:
    """Return the state of all loads.

    Args:
        claimed: the versions that are claimed.
        unloaded: the newest versions of files that failed or were abandoned.
        loaded: the versions that were loaded in the last `HOURS`.
        now: the time.
        sweeps: whether the deployment loads files again by itself.
    """
    unloaded, loaded = list(unloaded), list(loaded)
    waiting = [entry for entry in unloaded if sweeps and entry.next_try_at]
    datasets = sorted({entry.dataset for entry in loaded})
    return LoadStatus(
        running=sorted((e for e in claimed if not is_unloaded(e, now)), key=lambda entry: entry.changed_at),
        needs_person=[entry for entry in unloaded if entry not in waiting],
        waiting=sorted(waiting, key=lambda entry: entry.next_try_at or now),
        partly_loaded=[entry for entry in loaded if entry.verdict == "partly loaded"],
        activity=[_activity(name, [e for e in loaded if e.dataset == name], now) for name in datasets],
    )


def sparkline(counts: Sequence[int]) -> str:
    """Return a bar for each count, as high as its share of the largest one; zero is a dot.

    >>> sparkline([0, 1, 4, 8])
    '·▁▄█'
    """
    highest = max(counts, default=0)
    return "".join(_BARS[max(0, -(-count * len(_BARS) // highest) - 1)] if count else "·" for count in counts)


def _activity(dataset: str, entries: Sequence[Entry], now: datetime) -> DatasetActivity:
    points = [0] * HOURS
    for entry in entries:
        hours_ago = min(max(0, (now - entry.changed_at) // timedelta(hours=1)), HOURS - 1)
        points[HOURS - 1 - hours_ago] += entry.points_written
    last = max(entry.changed_at for entry in entries)
    return DatasetActivity(dataset=dataset, last_load=last, files=len(entries), points=points)
