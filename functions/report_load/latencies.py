"""The latencies of a load's requests to InfluxDB, summed over all chunks."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass

from shared.load_totals import Outcomes

BOUNDS = (*(step * 10**power for power in range(5) for step in (1, 2, 5)), 10**9)
"""The upper bounds of the histogram's rows in ms. WriteBatch counts by finer bounds, which include all of these."""


@dataclass(frozen=True, kw_only=True)
class Latencies:
    """The number of requests and their latencies. `histogram` is a list of (upper bound in ms, requests)."""

    requests: int
    p50_ms: float
    p95_ms: float
    max_ms: float
    histogram: list[tuple[int, int]]


def latencies(outcomes: Outcomes) -> Latencies | None:
    """Return the latencies of all chunks together, or None if no request was sent."""
    counts: Counter[int] = Counter()
    for chunk in outcomes.chunks:
        counts.update({int(bound): requests for bound, requests in chunk["latencies_ms"].items()})
    if not counts:
        return None
    max_ms = max(chunk["slowest_ms"] for chunk in outcomes.chunks)
    return Latencies(
        requests=counts.total(),
        p50_ms=min(_quantile(counts, 0.5), max_ms),
        p95_ms=min(_quantile(counts, 0.95), max_ms),
        max_ms=max_ms,
        histogram=_histogram(counts),
    )


def _quantile(counts: Counter[int], share: float) -> int:
    """Return the smallest bound that at least this share of the requests is below.

    Example: of {10: 40, 50: 10, 100: 50}, 10 is the quantile 0.4 and 50 the quantile 0.5.
    """
    total = 0
    for bound in sorted(counts):
        total += counts[bound]
        if total >= share * counts.total():
            return bound
    raise AssertionError


def _histogram(counts: Counter[int]) -> list[tuple[int, int]]:
    """Return the rows of the histogram, from the first to the last that has requests."""
    rows: Counter[int] = Counter()
    for bound, requests in counts.items():
        rows[BOUNDS[bisect_left(BOUNDS, bound)]] += requests
    return [(bound, rows[bound]) for bound in BOUNDS if min(rows) <= bound <= max(rows)]
