"""Behind a proxy, a delete without an answer may run later: no current point is missing after that, either."""

import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest

from shared.deletion.records import Deletion
from shared.errors import InfluxUnavailableError
from tests.support.deletion_trial import CASES, CURRENT, LATER, Trial
from tests.support.fault_proxy import Exchange, FaultProxy, pass_on
from tests.support.ledger_entries import item as ledger_item

DELAY_S = 1.0


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def deletion(trial: Trial, proxy: FaultProxy, pool: ThreadPoolExecutor) -> Iterator[Deletion]:
    """A deletion whose first request got no answer, and runs `DELAY_S` later."""
    trial.wait_factor = 0.05
    deletion = trial.start(CASES["an added tag"], CURRENT)
    trial.step(deletion, LATER - timedelta(seconds=30))
    late: list[Future[None]] = []

    def delay(exchange: Exchange) -> None:
        exchange.read()
        if b'"predicate"' in exchange.body:
            late.append(pool.submit(forward_late(exchange, proxy)))
            proxy.always = pass_on
            exchange.reset()
        else:
            exchange.send(exchange.forward())

    proxy.always = delay
    with pytest.raises(InfluxUnavailableError):
        trial.step(deletion)
    yield deletion
    late[0].result()
    assert trial.stored().items() >= CURRENT.items()


def forward_late(exchange: Exchange, proxy: FaultProxy) -> Callable[[], None]:
    """Return a function that sends the request of an exchange to the engine after a while."""
    headers = {name: value for name, value in exchange.handler.headers.items() if name not in ("Connection", "Host")}
    url = f"http://{proxy.upstream}{exchange.handler.path}"
    request = urllib.request.Request(url, exchange.body, headers, method="POST")

    def forward() -> None:
        time.sleep(DELAY_S)
        with urllib.request.urlopen(request) as reply:
            assert reply.status == 204

    return forward


def test_a_deletion_repeats_the_request_after_that(trial: Trial, deletion: Deletion) -> None:
    states = [trial.step(deletion)["status"] for _ in range(2)]
    assert states[-1] == "done"


def test_a_deletion_that_newer_files_end_looks_after_that(trial: Trial, deletion: Deletion) -> None:
    trial.ledger.put_item(Item=ledger_item("new", "loaded", 0) | {"changed_at": "2024-06-01T00:00:10Z"})
    states = [trial.step(deletion)["status"] for _ in range(2)]
    assert states[-1] == "outdated"


def test_a_restore_looks_after_that(trial: Trial, deletion: Deletion) -> None:
    assert trial.restore(deletion)["status"] == "done"
