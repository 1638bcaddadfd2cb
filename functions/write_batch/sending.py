"""Sending one body until InfluxDB takes it or refuses it, within the time of this invocation."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event, Lock
from time import monotonic
from typing import cast

from tenacity import Future, RetryCallState, Retrying, retry_if_result, wait_random_exponential
from tenacity.nap import sleep_using_event

from functions.write_batch.pause import ComeBackError
from shared.influx import WRITE_TIMEOUT_S, Influx
from shared.influx_answers import Action, Answer, interpret
from shared.logs import logger

RESERVED_S = 15.0
"""Of an invocation's time: 5 s to connect and 5 s to send beside a request's time-out, and 5 s to store the outcome."""

LEAST_REQUEST_S = 1.0
"""With less time left no request is begun."""

_STEPS = (10, 11, 12, 14, 16, 18, 20, 22, 25, 28, 32, 36, 40, 45, 50, 56, 63, 71, 80, 90)
LATENCIES_MS = (1, 2, 3, 4, 5, 6, 7, 8, 9, *(step * 10**power for power in range(4) for step in _STEPS), 10**9)
"""Bounds that latencies are counted by: 12 % apart from 10 ms on, so that a median of many chunks means something."""

LONGEST_SLEEP_S = 10.0
"""What a Retry-After may cost inside an invocation; WaitForInflux waits longer, and free of charge."""

BACKOFF = wait_random_exponential(multiplier=0.5, max=8)
"""Full jitter: anything up to 0.5 s, then 1 s, 2 s, …"""


@dataclass(frozen=True)
class Deadline:
    """When this invocation has to have ended, told by `remaining_ms` as Lambda's context does."""

    remaining_ms: Callable[[], int]

    def left_s(self) -> float:
        """Seconds for requests."""
        return self.remaining_ms() / 1000 - RESERVED_S


class StoppedError(Exception):
    """Another writer failed."""


class Sender:
    """Sends bodies to one bucket. All writers of a chunk share it: one Retry-After and one failure are everybody's.

    `requests` counts what was sent, `latencies_ms` the same by the bound of `LATENCIES_MS` that they took at most;
    `slowest_ms` is the longest; `failure` is the first.
    """

    def __init__(self, influx: Influx, bucket: str, max_retries: int, deadline: Deadline) -> None:
        self.requests = 0
        self.latencies_ms: Counter[str] = Counter()
        self.slowest_ms = 0.0
        self.failure: Exception | None = None
        self._influx = influx
        self._bucket = bucket
        self._max_retries = max_retries
        self._deadline = deadline
        self._lock = Lock()
        self._quiet_until = 0.0
        self._failed = Event()
        self._retrying = Retrying(
            retry=retry_if_result(lambda answer: answer.action is Action.RETRY),
            stop=self._is_enough,
            wait=_pause,
            sleep=sleep_using_event(self._failed),
            before_sleep=_log_retry,
            retry_error_callback=_last_answer,
        )

    def send(self, body: bytes, where: str) -> Answer:
        """DONE or SPLIT. Raises ComeBackError, StoppedError, or what the table of outcomes says."""
        answer = self._retrying(self._attempt, body)
        if answer.action in (Action.DONE, Action.SPLIT):
            return answer
        if answer.action is Action.RETRY and answer.retry_after_s:
            raise ComeBackError(datetime.now(UTC) + timedelta(seconds=answer.retry_after_s))
        raise answer.exception(where)

    def fail(self, failure: Exception) -> None:
        """End every wait, and begin no further request."""
        with self._lock:
            self.failure = self.failure or failure
        self._failed.set()

    def _attempt(self, body: bytes) -> Answer:
        self._failed.wait(max(0.0, self._quiet_until - monotonic()))
        if self.failure:
            raise StoppedError
        timeout_s = min(WRITE_TIMEOUT_S, self._deadline.left_s())
        if timeout_s < LEAST_REQUEST_S:
            raise ComeBackError(datetime.now(UTC))
        started = monotonic()
        answer = interpret(self._influx.write(body, bucket=self._bucket, timeout_s=timeout_s))
        latency_ms = (monotonic() - started) * 1000
        with self._lock:
            self.requests += 1
            self.latencies_ms[str(LATENCIES_MS[bisect_left(LATENCIES_MS, latency_ms)])] += 1
            self.slowest_ms = max(self.slowest_ms, round(latency_ms, 1))
            self._quiet_until = max(self._quiet_until, monotonic() + answer.retry_after_s)
        return answer

    def _is_enough(self, state: RetryCallState) -> bool:
        longest_s = min(LONGEST_SLEEP_S, self._deadline.left_s() - LEAST_REQUEST_S)
        return state.attempt_number > self._max_retries or state.upcoming_sleep > longest_s


def _last_answer(state: RetryCallState) -> Answer:
    """Of the last attempt. Retrying asks only about attempts that returned one."""
    return cast(Answer, cast(Future, state.outcome).result())


def _log_retry(state: RetryCallState) -> None:
    reason, seconds = _last_answer(state).message, round(state.upcoming_sleep, 3)
    logger.warning("asking again", reason=reason, after_seconds=seconds, attempt=state.attempt_number)


def _pause(state: RetryCallState) -> float:
    """At least as long as the server asks for, and not all at the same moment."""
    return _last_answer(state).retry_after_s + BACKOFF(state)
