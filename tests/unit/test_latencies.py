"""Latencies of all chunks: median, 95th percentile, slowest, and a histogram of few rows."""

from typing import Any, cast

from functions.report_load.latencies import BOUNDS, latencies
from functions.write_batch.sending import LATENCIES_MS
from shared.load_totals import Outcomes
from shared.stored import ChunkOutcome


def outcomes(*chunks: tuple[dict[str, int], float]) -> Outcomes:
    result: list[Any] = [{"latencies_ms": counts, "slowest_ms": slowest} for counts, slowest in chunks]
    return Outcomes(chunks=cast("list[ChunkOutcome]", result))


def test_half_and_95_of_100_requests_took_at_most_so_long() -> None:
    result = latencies(outcomes(({"10": 40, "50": 10, "100": 44}, 99.5), ({"100": 1, "500": 5}, 470.25)))
    assert result
    assert (result.requests, result.p50_ms, result.p95_ms, result.max_ms) == (100, 50, 100, 470.25)


def test_nothing_is_slower_than_the_slowest() -> None:
    result = latencies(outcomes(({str(10**9): 2}, 91_234.0)))
    assert result
    assert (result.p50_ms, result.p95_ms, result.max_ms) == (91_234.0, 91_234.0, 91_234.0)


def test_the_histogram_has_every_row_from_the_first_to_the_last() -> None:
    result = latencies(outcomes(({"11": 1, "18": 2, "90": 4}, 88.0)))
    assert result
    assert result.histogram == [(20, 3), (50, 0), (100, 4)]


def test_no_requests_have_no_latencies() -> None:
    assert latencies(outcomes(({}, 0.0))) is None


def test_the_rows_are_among_the_bounds_that_requests_are_counted_by() -> None:
    assert set(BOUNDS) <= set(LATENCIES_MS)
    assert list(LATENCIES_MS) == sorted(set(LATENCIES_MS))
