"""Loads that a command starts a few at a time, and whose end it waits for."""

import time
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from cli.deployed.executions import POLL_S, Execution, describe, start_execution
from cli.deployed.stack import Deployment
from cli.output import detach_on_interrupt, progress, quantity
from shared.ledger import LedgerItem, bucket_and_key, version_id_of

MAX_CONCURRENCY = 4
"""How many loads run at a time. Each of them writes several chunks concurrently."""

Event = Mapping[str, Any]
"""The input of an execution."""


def forced_load(item: LedgerItem) -> Event:
    """Return the input of a forced load: with the version, in a versioned bucket. Newer revisions keep their slot."""
    bucket, key = bucket_and_key(item["object"])
    version = {"version_id": version_id_of(item)} if version_id_of(item) else {}
    return {"bucket": bucket, "key": key, "force": True, "override_slot": False, **version}


def run_loads(
    deployment: Deployment,
    events: Iterable[tuple[str, Event]],
    *,
    total: int,
    interrupted: str,
    concurrency: int = MAX_CONCURRENCY,
) -> dict[str, Execution]:
    """Start an execution for each event, a few at a time, and return them by name once all have ended.

    Args:
        deployment: The stack.
        events: Names, each with an input. The next one is taken when its turn comes.
        total: The number of events, at most.
        interrupted: What to print after Ctrl-C, when those that run continue and no further ones start.
        concurrency: How many run at a time.
    """
    client, waiting = deployment.stepfunctions, iter(events)
    running, ended = dict[str, str](), dict[str, Execution]()
    with detach_on_interrupt(lambda: interrupted), progress() as bar:
        task = bar.add_task(f"loading {quantity(total, 'file')} again", total=total)
        while True:
            for name, event in islice(waiting, concurrency - len(running)):
                running[name] = start_execution(client, deployment.machine, event)
            if not running:
                return ended
            time.sleep(POLL_S)
            executions = {name: describe(client, arn) for name, arn in running.items()}
            ended |= {name: execution for name, execution in executions.items() if execution.ended}
            running = {name: arn for name, arn in running.items() if name not in ended}
            bar.update(task, completed=len(ended))
