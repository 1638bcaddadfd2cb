"""Functions that run at the same time, in an order that a test chooses: each of them pauses before each request.

Every function has a thread of its own, but only one of them runs at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Semaphore, Thread, current_thread
from typing import Any

from shared.aws_clients import dynamodb_resource
from tests.support.aws_events import handling

EVENT = "before-call.dynamodb.*"


class _Paused(Thread):
    """A thread that runs until its next request to DynamoDB whenever it is resumed."""

    def __init__(self, function: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._function = function
        self._may_run, self._has_paused = Semaphore(0), Semaphore(0)
        self.ended = False
        self.error: BaseException | None = None

    def run(self) -> None:
        self._may_run.acquire()
        try:
            self._function()
        except BaseException as error:  # noqa: BLE001 - the test's own thread raises it
            self.error = error
        self.ended = True
        self._has_paused.release()

    def pause(self) -> None:
        self._has_paused.release()
        self._may_run.acquire()

    def resume(self) -> None:
        self._may_run.release()
        self._has_paused.acquire()


def run_interleaved(functions: Sequence[Callable[[], object]], choices: Iterator[int]) -> None:
    """Run all functions to their ends. Each choice, modulo the number of those that run, continues one of them."""
    threads = [_Paused(function) for function in functions]
    with _pausing():
        for thread in threads:
            thread.start()
        while running := [thread for thread in threads if not thread.ended]:
            running[next(choices, 0) % len(running)].resume()
    for thread in threads:
        if thread.error:
            raise thread.error


@contextmanager
def _pausing() -> Iterator[None]:
    """Let threads of `run_interleaved` pause before each request to DynamoDB."""

    def pause(**_: Any) -> None:
        if isinstance(thread := current_thread(), _Paused):
            thread.pause()

    with handling(dynamodb_resource().meta.client.meta.events, EVENT, pause):
        yield
