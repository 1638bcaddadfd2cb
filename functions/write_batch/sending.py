"""The requests of one chunk: each body is sent until InfluxDB accepts or rejects it, within the invocation's time.

`Sender.send` retries `Sender._attempt`, which makes one request, with tenacity: `_should_stop` says when to stop, and
`_pause` how long to wait. A wait that would be too long for a Lambda function ends the invocation with the error of the
last answer, and the state machine waits instead.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from threading import Event, Lock
from time import monotonic
from typing import cast

from tenacity import Future, RetryCallState, Retrying, retry_if_result, wait_random_exponential
from tenacity.nap import sleep_using_event

from functions.write_batch.fates import Shipment
from functions.write_batch.pause import OutOfTimeError
from shared.errors import InfluxDiskFullError
from shared.influx import WRITE_TIMEOUT_S, Influx
from shared.influx_answers import Action, Answer, interpret
from shared.logs import logger

RESERVED_S = 15.0
"""The part of an invocation's time that is not available to wait for a response.

5 s to connect and 5 s to send the body, which a request's timeout does not include, and 5 s to store the outcome.
"""

MIN_REQUEST_S = 1.0
"""The minimum time that must be left to start a request."""

_STEPS = (10, 11, 12, 14, 16, 18, 20, 22, 25, 28, 32, 36, 40, 45, 50, 56, 63, 71, 80, 90)
LATENCIES_MS = (1, 2, 3, 4, 5, 6, 7, 8, 9, *(step * 10**power for power in range(4) for step in _STEPS), 10**9)
"""The upper bounds of the bins in which latencies are counted.

From 10 ms on they are 12% apart, so quantiles over many chunks are accurate to 12%.
"""

MAX_SLEEP_S = 10.0
"""The longest wait inside an invocation. WaitForInflux can wait longer, and costs nothing."""

BACKOFF = wait_random_exponential(multiplier=0.5, max=8)
"""Exponential backoff with full jitter: a random time up to 0.5 s, then up to 1 s, 2 s, …, 8 s."""


@dataclass(frozen=True)
class Deadline:
    """The time limit of this invocation. `remaining_ms` is Lambda's `context.get_remaining_time_in_millis`."""

    remaining_ms: Callable[[], int]

    def left_s(self) -> float:
        """Return the seconds that are left for requests."""
        return self.remaining_ms() / 1000 - RESERVED_S


class StoppedError(Exception):
    """Another writer of the same chunk failed, so this one sends nothing more."""


class Sender:
    """Sends bodies to one bucket. All writers of a chunk share it, so that they share Retry-After and failures.

    Attributes:
        requests: The number of requests.
        latencies_ms: The number of requests by the upper bound of their latency, one of `LATENCIES_MS`.
        slowest_ms: The longest latency.
        failure: The first error of any writer.
        server_errors: The number of bodies that failed with status 500, after all retries.
        splits_server_errors: Return such an answer as one to bisect.
    """

    def __init__(self, influx: Influx, bucket: str, max_retries: int, deadline: Deadline) -> None:
        self.requests = 0
        self.latencies_ms: Counter[str] = Counter()
        self.slowest_ms = 0.0
        self.failure: Exception | None = None
        self.server_errors = 0
        self.splits_server_errors = False
        self._influx = influx
        self._bucket = bucket
        self._max_retries = max_retries
        self._deadline = deadline
        self._lock = Lock()
        self._paused_until_s = 0.0
        self._failed = Event()
        self._retrying = Retrying(
            retry=retry_if_result(lambda answer: answer.action is Action.RETRY),
            stop=self._should_stop,
            wait=_pause,
            sleep=sleep_using_event(self._failed),
            before_sleep=_log_retry,
            retry_error_callback=_last_answer,
        )

    def send(self, body: bytes, where: str, lines: Shipment) -> Answer:
        """Send a body, and return the answer, whose action is DONE or SPLIT.

        Args:
            body: Gzipped line protocol.
            where: The chunk and batch, for messages.
            lines: The lines of the body, to record their fates.

        Raises:
            OutOfTimeError: No time is left for a request.
            StoppedError: Another writer failed.
            LoaderError: The retries are used up, InfluxDB asks to wait for longer than this invocation can, or the
                table of InfluxDB's answers allows no retry.
        """
        answer = self._retrying(self._attempt, body, lines)
        if answer.action in (Action.DONE, Action.SPLIT):
            return answer
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR and answer.error is not InfluxDiskFullError:
            if self.splits_server_errors:
                return replace(answer, action=Action.SPLIT)
            self.server_errors += 1
        raise answer.exception(where)

    def check_running(self) -> None:
        """Raise StoppedError if a writer of the chunk failed."""
        if self.failure:
            raise StoppedError

    def fail(self, failure: Exception) -> None:
        """Record the first failure, end every wait, and start no further request."""
        with self._lock:
            self.failure = self.failure or failure
        self._failed.set()

    def _attempt(self, body: bytes, lines: Shipment) -> Answer:
        self._failed.wait(max(0.0, self._paused_until_s - monotonic()))
        self.check_running()
        timeout_s = min(WRITE_TIMEOUT_S, self._deadline.left_s())
        if timeout_s < MIN_REQUEST_S:
            raise OutOfTimeError
        sent_at = monotonic()
        lines.start()
        answer = interpret(self._influx.write(body, bucket=self._bucket, timeout_s=timeout_s))
        lines.end(answer)
        latency_ms = (monotonic() - sent_at) * 1000
        with self._lock:
            self.requests += 1
            self.latencies_ms[str(LATENCIES_MS[bisect_left(LATENCIES_MS, latency_ms)])] += 1
            self.slowest_ms = max(self.slowest_ms, round(latency_ms, 1))
            self._paused_until_s = max(self._paused_until_s, monotonic() + answer.retry_after_s)
        return answer

    def _should_stop(self, state: RetryCallState) -> bool:
        max_sleep_s = min(MAX_SLEEP_S, self._deadline.left_s() - MIN_REQUEST_S)
        return state.attempt_number > self._max_retries or state.upcoming_sleep > max_sleep_s


def _last_answer(state: RetryCallState) -> Answer:
    """Return the answer of the last attempt. An attempt that raised never gets here."""
    return cast(Answer, cast(Future, state.outcome).result())


def _log_retry(state: RetryCallState) -> None:
    reason, seconds = _last_answer(state).message, round(state.upcoming_sleep, 3)
    logger.warning("retrying", reason=reason, after_seconds=seconds, attempt=state.attempt_number)


def _pause(state: RetryCallState) -> float:
    """Return the seconds to wait: what the server asks for, and a random time that keeps writers apart."""
    return _last_answer(state).retry_after_s + BACKOFF(state)
