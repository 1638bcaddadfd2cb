"""How many functions run at once, and how many processes they have: as many as fit into the memory of this machine.

On AWS, an account runs 1,000 functions at once, and throttles the calls beyond. On this machine, each of ours is a
process of some 100 MiB, and ministack keeps an idle one for five minutes. So it throttles much earlier
(`LAMBDA_ACCOUNT_CONCURRENCY`), and `_acquire_worker` ends the process that has been idle for the longest time before
there are too many. `count_usage` counts what runs, so that `Emulator.usage` can tell the largest numbers.

A function whose settings change and change back uses its former processes again (`keep_processes_of_former_settings`):
ministack ends them, and to start one takes half a second of processor time.
"""

# ministack has no public hook for this, so its private functions are replaced.
# ruff: noqa: SLF001

import hashlib
import json
import os
import signal
from collections import Counter
from pathlib import Path
from threading import Lock
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, stepfunctions

_acquire = lambda_runtime.acquire_worker
_acquire_slot = lambda_svc._acquire_execution_slot
_key_without_settings = lambda_runtime._worker_key
_run_execution = stepfunctions._run_execution

_SETTINGS = ("CodeSha256", "Environment", "Handler", "Layers", "MemorySize", "Runtime", "Timeout")
_SEPARATOR = "~"

_lock = Lock()
_running = Counter[str]()
_usage = Counter[str]()


def keep_processes_of_former_settings() -> None:
    """Give each configuration of a function processes of its own, which outlive a change of the settings."""
    lambda_runtime._worker_key = _worker_key
    lambda_svc.invalidate_worker = _invalidate


def limit_processes() -> None:
    """Replace the function that gives an invocation its process."""
    lambda_svc.acquire_worker = _acquire_worker


def count_usage() -> None:
    """Count executions, functions, and processes, and write the counts to a file at SIGUSR2."""
    stepfunctions._run_execution = _run_counted_execution
    lambda_svc._acquire_execution_slot = _acquire_counted_slot
    signal.signal(signal.SIGUSR2, lambda *_: _write_usage(Path(os.environ["LOCAL_USAGE_FILE"])))


def _write_usage(file: Path) -> None:
    written = file.with_suffix(".new")
    written.write_text(json.dumps(_usage))
    written.rename(file)


def _record(kind: str, count: int) -> None:
    _usage[kind] = max(_usage[kind], count)


def _run_counted_execution(arn: str) -> None:
    with _lock:
        _running["executions"] += 1
        _record("executions", _running["executions"])
    try:
        _run_execution(arn)
    finally:
        with _lock:
            _running["executions"] -= 1


def _acquire_counted_slot(*args: Any) -> Any:
    slot, reason = _acquire_slot(*args)
    with _lock:
        _usage["invocations" if slot else "throttled"] += 1
        _record("functions", lambda_svc.executions_in_flight()[0])
    return slot, reason


def _worker_key(function: str, config: dict[str, Any], qualifier: str) -> str:
    """Return ministack's key of the pool of processes, and a digest of all that a process gets when it starts."""
    settings = json.dumps([config.get(name) for name in _SETTINGS], sort_keys=True)
    digest = hashlib.sha256(settings.encode()).hexdigest()[:16]
    return f"{_key_without_settings(function, config, qualifier)}{_SEPARATOR}{digest}"


def _invalidate(function: str, qualifier: str | None = None, account: str | None = None, region: str = "") -> None:
    """End the processes of a function whose code was replaced, that was deleted, or one of whose processes failed.

    Only a change of the settings, and a deployment, name no account. The processes that they leave unused are ended as
    soon as there are too many.
    """
    if account is None:
        return
    start = f"{account}:{region}:{function}:" + (f"{qualifier}{_SEPARATOR}" if qualifier else "")
    with lambda_runtime._lock:
        pools = lambda_runtime._workers
        ended = [worker for key in list(pools) if key.startswith(start) for worker in pools.pop(key)]
    lambda_runtime.kill_workers(ended)


def _acquire_worker(function: str, config: dict[str, Any], *args: Any, **options: Any) -> Any:
    """Return a process with the settings of this moment.

    A state machine passes the configuration itself, whose values an update replaces, perhaps before the process starts.
    It would then be in the pool of other settings than its own.
    """
    worker, reason = _acquire(function, {**config}, *args, **options)
    if reason == "spawn":
        lambda_runtime.kill_workers(_take_idle_workers(int(os.environ["LOCAL_FUNCTION_PROCESSES"])))
        with lambda_runtime._lock, _lock:
            _record("processes", sum(map(len, lambda_runtime._workers.values())))
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
