"""Handlers of boto3's events: they see, or answer, the requests of one client."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def handling(events: Any, event: str, handler: Callable[..., Any]) -> Iterator[None]:
    """Call a handler at each event with this name meanwhile. `events` are a client's, as `client.meta.events`."""
    events.register(event, handler)
    try:
        yield
    finally:
        events.unregister(event, handler)
