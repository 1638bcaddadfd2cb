"""Retry delays in ministack, with `MaxDelaySeconds` and `JitterStrategy` as on AWS. ministack ignores both.

ministack still waits 60 s at most.
"""

# ministack has no public hook for this, so its private functions are replaced.
# ruff: noqa: SLF001

import random
from typing import Any

from ministack.services import stepfunctions

_find_matching_retrier = stepfunctions._find_matching_retrier


def patch_retries() -> None:
    """Replace the function that chooses the retrier of an error."""
    stepfunctions._find_matching_retrier = _find_retrier_with_delay


def _find_retrier_with_delay(retriers: Any, error: str, retry_counts: dict[int, int]) -> tuple[Any, int]:
    """Return the retrier with its next delay as a constant interval, which ministack then waits."""
    retrier, index = _find_matching_retrier(retriers, error, retry_counts)
    if retrier is None:
        return None, index
    return {**retrier, "IntervalSeconds": _delay_s(retrier, retry_counts.get(index, 0)), "BackoffRate": 1}, index


def _delay_s(retrier: dict[str, Any], retries: int) -> float:
    """Return the delay before the next retry, after `retries` earlier ones.

    With an interval of 1 s, a rate of 10 and a maximum of 5 s, the delays are 1 s, 5 s, 5 s …; full jitter makes each
    of them a random time between 0 and that.
    """
    delay_s = float(retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** retries)
    if "MaxDelaySeconds" in retrier:
        delay_s = min(delay_s, retrier["MaxDelaySeconds"])
    jitter = retrier.get("JitterStrategy") == "FULL"
    return random.uniform(0, delay_s) if jitter else delay_s  # noqa: S311 - not for cryptography
