"""How long InfluxDB took to answer the requests of all chunks together."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass

from shared.load_totals import Outcomes

BOUNDS = (*(step * 10**power for power in range(5) for step in (1, 2, 5)), 10**9)
"""Of the histogram's rows, in ms. Each is one of those that requests are counted by."""


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """In ms: so long at most took half of the requests, 95 of 100, and each. `histogram` is (bound, requests)."""

    requests: int
    median: float
    most: float
    slowest: float
    histogram: list[tuple[int, int]]


def latencies(outcomes: Outcomes) -> Latencies | None:
    """None where no request was sent."""
    counts: Counter[int] = Counter()
    for chunk in outcomes.chunks:
        counts.update({int(bound): requests for bound, requests in chunk["latencies_ms"].items()})
    if not counts:
        return None
    slowest = max(chunk["slowest_ms"] for chunk in outcomes.chunks)
    return Latencies(
        requests=counts.total(),
        median=min(_quantile(counts, 0.5), slowest),
        most=min(_quantile(counts, 0.95), slowest),
        slowest=slowest,
        histogram=_histogram(counts),
    )


def _quantile(counts: Counter[int], share: float) -> int:
    """The bound below which so many lie."""
    passed = 0
    for bound in sorted(counts):
        passed += counts[bound]
        if passed >= share * counts.total():
            return bound
    raise AssertionError


def _histogram(counts: Counter[int]) -> list[tuple[int, int]]:
    """From the first row with requests to the last one."""
    rows: Counter[int] = Counter()
    for bound, requests in counts.items():
        rows[BOUNDS[bisect_left(BOUNDS, bound)]] += requests
    return [(bound, rows[bound]) for bound in BOUNDS if min(rows) <= bound <= max(rows)]
