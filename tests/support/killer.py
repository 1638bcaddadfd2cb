"""The end of a process at one of its requests to AWS or InfluxDB, as when Lambda kills a function."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.fault_proxy import Exchange, FaultProxy, pass_on

NEVER = -1


def after_change(number: int) -> int:
    """Return the moment after InfluxDB has done a delete or a write: 1 is the first one."""
    return NEVER - number


class Killed(BaseException):
    """The process was killed. No code of the loader catches this."""


class Killer:
    """Kills code that uses some clients of boto3, and InfluxDB through a proxy."""

    def __init__(self, proxy: FaultProxy, *clients: Any) -> None:
        self._proxy, self._left = proxy, NEVER
        for client in clients:
            client.meta.events.register("before-call", self._call)

    @contextmanager
    def kill_at(self, moment: int) -> Iterator[None]:
        """Kill the code of the context before a request, which counts from 0, at `after_change(n)`, or `NEVER`."""
        self._left, self._proxy.always = moment, self._exchange
        try:
            yield
        except Killed:
            pass
        finally:
            self._left, self._proxy.always = NEVER, pass_on

    def _is_dead(self) -> bool:
        """Count a request. Once the process is dead, it makes none."""
        if self._left > 0:
            self._left -= 1
            return False
        return self._left == 0

    def _call(self, **_: Any) -> None:
        if self._is_dead():
            raise Killed

    def _exchange(self, exchange: Exchange) -> None:
        exchange.read()
        if self._is_dead():
            exchange.reset()
        elif self._left < NEVER and exchange.handler.command == "POST":
            self._left += 1
            self._change(exchange)
        else:
            pass_on(exchange)

    def _change(self, exchange: Exchange) -> None:
        reply = exchange.forward()
        if self._left == NEVER:
            self._left = 0
            exchange.reset()
        else:
            exchange.send(reply)
