"""`make throttling`: compare how loads survive throttling with the deployed retriers, and with earlier ones.

Earlier releases gave throttling the six attempts of any transient error, and wrote four chunks at a time.
"""

import sys
from collections.abc import Iterable

from benchmarks.bursts import Burst, simulate
from benchmarks.retriers import (
    EVENTS_OF_RETRY,
    EVENTS_OF_WAIT,
    MAX_CHUNKS,
    MAX_EVENTS,
    MAX_PARTS,
    Definition,
    events_without_retries,
    most_events,
    task_and_lanes,
)
from state_machine.definition import definition
from state_machine.settings import MachineSettings

EARLIER = MachineSettings(throttled_backoff_seconds=2, throttled_attempts=6, write_concurrency=4)
"""The settings of earlier releases, which wrote more chunks at a time, and retried throttling less often."""

PRICE_OF_TRANSITION = 25e-6
"""US dollars. A retry is charged as a transition."""

BURSTS = (
    Burst(files=50, chunks=20, slots=10, chunk_s=2, arrival_s=30),
    Burst(files=300, chunks=20, slots=10, chunk_s=2, arrival_s=60),
    Burst(files=10_000, chunks=2, slots=1000, chunk_s=6, arrival_s=60),
    Burst(files=1000, chunks=20, slots=10, chunk_s=2, arrival_s=60),
)
"""Three bursts in which loads failed in earlier releases, and one that needs more than 100 attempts."""

PAGE = """\
# Throttling

Written by `make throttling`, a simulation of bursts of files with the retriers of the deployed definition. Before, a
load wrote four chunks at a time instead of two, and throttling had the six attempts of any transient error.

{rows}

A chunk takes {chunk_s} s, and the files arrive within half a minute or a minute. The ideal time is that of the last
load if no execution were ever idle. "Extra time" is how much later the last load ends.

"""

HISTORY = """\
## Events in the history

Step Functions ends an execution after {limit:,} events. The largest load has {parts} parts and {chunks} chunks, and at
most {base:,} events without retries. A retry adds {events} events, and a wait of a chunk for InfluxDB {wait_events}.

| load | most events |
|---|---|
| the largest one, without retries | {base:,} |
| the largest one, with {waits} waits | {with_waits:,} |
| the largest one, throttled and waiting until the time limit of {hours} hours | {most:,} |
| 20 chunks, throttled and waiting until the time limit | {small:,} |

The worst case assumes that parts and chunks fail in the order that adds most events, and that InfluxDB accepts a batch
after each wait, so that the patience never ends. The pauses of a chunk double nevertheless, up to five minutes.
"""

WAITS = 500
"""A number of waits that the largest load must be able to have, with a margin of a third."""


COLUMNS = (
    "files",
    "chunks each",
    "concurrent executions",
    "ideal time",
    "failed loads before",
    "failed loads",
    "extra time",
    "retries",
    "cost of the retries",
    "most retries of one load",
)


def row(burst: Burst, before: Definition, after: Definition) -> str:
    """Return the row of the table about a burst."""
    failed = simulate(burst, before).failed / burst.files
    outcome = simulate(burst, after)
    ideal_s = burst.ideal_s(task_and_lanes(after, "WriteBatch")[1])
    retries = sum(outcome.retries)
    cells = (
        f"{burst.files:,}",
        burst.chunks,
        f"{burst.slots:,}",
        f"{ideal_s:,.0f} s",
        f"{failed:.0%}",
        outcome.failed,
        f"{outcome.last_s - ideal_s:.0f} s",
        f"{retries:,}",
        f"${retries * PRICE_OF_TRANSITION:.2f}",
        f"{max(outcome.retries):,}",
    )
    return _line(cells)


def _line(cells: Iterable[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def history_section(machine: Definition) -> str:
    """Return the part of the page about the events in the history."""
    base = events_without_retries(machine, MAX_PARTS, MAX_CHUNKS)
    return HISTORY.format(
        limit=MAX_EVENTS,
        parts=MAX_PARTS,
        chunks=MAX_CHUNKS,
        base=base,
        events=EVENTS_OF_RETRY,
        wait_events=EVENTS_OF_WAIT,
        waits=WAITS,
        with_waits=base + WAITS * EVENTS_OF_WAIT,
        hours=machine["TimeoutSeconds"] // 3600,
        most=most_events(machine),
        small=most_events(machine, parts=1, chunks=20),
    )


def page() -> str:
    """Return the page with the table."""
    before, after = definition(EARLIER), definition()
    rows = (row(burst, before, after) for burst in BURSTS)
    seconds = " or ".join(f"{seconds:g}" for seconds in sorted({burst.chunk_s for burst in BURSTS}))
    table = "\n".join([_line(COLUMNS), "|---" * len(COLUMNS) + "|", *rows])
    return PAGE.format(rows=table, chunk_s=seconds) + history_section(after)


if __name__ == "__main__":
    sys.stdout.write(page())
