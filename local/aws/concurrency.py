"""How many functions run at once, and how many processes they have: as many as fit into the memory of this machine.

On AWS, an account runs 1,000 functions at once, and throttles the calls beyond. On this machine, each of ours is a
process of some 100 MiB, and ministack keeps an idle one for five minutes. So it throttles much earlier
(`LAMBDA_ACCOUNT_CONCURRENCY`), and `_acquire_worker` ends the process that has been idle for the longest time before
there are too many.
"""

# ministack has no public hook for this, so its private functions are replaced.
# ruff: noqa: SLF001

import os
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

_acquire = lambda_runtime.acquire_worker


def limit_processes() -> None:
    """Replace the function that gives an invocation its process."""
    lambda_svc.acquire_worker = _acquire_worker


def _acquire_worker(*args: Any, **options: Any) -> Any:
    worker, reason = _acquire(*args, **options)
    if reason == "spawn":
        lambda_runtime.kill_workers(_take_idle_workers(int(os.environ["LOCAL_FUNCTION_PROCESSES"])))
    return worker, reason


def _take_idle_workers(limit: int) -> list[Any]:
    """Remove the workers that have been idle for the longest time from their pools, until `limit` are left."""
    with lambda_runtime._lock:
        pools = lambda_runtime._workers
        idle = [(worker.last_used, key, worker) for key, pool in pools.items() for worker in pool if not worker.in_use]
        surplus = max(0, sum(map(len, pools.values())) - limit)
        oldest = sorted(idle, key=lambda entry: entry[0])[:surplus]
        for _, key, worker in oldest:
            pools[key].remove(worker)
    return [worker for *_, worker in oldest]
