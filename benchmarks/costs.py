"""`make costs`: compute what loads cost, from the deployed definition, and write docs/costs.md.

`walk` counts the transitions and calls of one load: it follows the definition with the state of a file, as Step
Functions does. `usage` adds what each call requests, which `tests/functional/test_costs.py` compares with a real load.
`FORMER` has the same numbers of the release before chunks cost one transition each.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from benchmarks.metric_costs import metric_section
from benchmarks.retriers import EVENTS_OF_ITEM, EVENTS_OF_STATE, Definition
from benchmarks.sweep_costs import sweep_section
from functions.convert_and_chunk.chunks import chunk_points
from functions.validate_schema.parts import PART_ROWS
from state_machine.definition import FUNCTION_ARN_PREFIX, definition

FILE_COUNTS = (1, 100, 10_000)
ROWS = 100_000
LARGER_ROWS = (100_000, 1_000_000, 4_000_000)
"""The sizes of the files in the two tables."""

PRICES = {
    "transitions": 25e-6,
    "invocations": 0.2e-6,
    "GB-seconds": 13.3334e-6,
    "S3 writes": 5e-6,
    "S3 reads": 0.4e-6,
    "log bytes": 0.5e-9,
    "ledger writes": 0.625e-6,
    "ledger reads": 0.125e-6,
}
"""The list prices of us-east-1 in 2026 on arm64, in US dollars."""

POINTS_PER_S = 100_000
"""The speed at which InfluxDB ingests from one WriteBatch, assumed low. ConvertAndChunk takes 1.5 µs a row."""

EVENT_BYTES, CALL_BYTES = 350, 1800
"""The size of a state machine's log line, and of what one invocation logs, with Lambda's own three lines."""

MEASURED_CALL_BYTES = 12_056
"""What the functions of a load of 100,000 rows logged on the local cloud, with 26 bytes for each event as billed."""


class Load(NamedTuple):
    """One load: its parts, chunks, transitions, calls by function, and history events."""

    rows: int
    parts: int
    chunks: int
    transitions: int
    calls: Mapping[str, int]
    events: int


class Usage(NamedTuple):
    """A release's use of AWS for one load, in the units of `PRICES`."""

    name: str
    amounts: Mapping[str, float]

    @property
    def dollars(self) -> float:
        """The cost of the load."""
        return sum(PRICES[name] * amount for name, amount in self.amounts.items())


def walk(machine: Definition, rows: int) -> Load:
    """Follow the definition for a file of so many rows that loads without errors, retries, or waits."""
    parts = -(-rows // PART_ROWS)
    chunks = parts * -(-(rows // parts) // chunk_points(rows // parts, parts))
    values = {"$.file.rows": rows, "$.file.claim.version": "v", "$.file.parts[1].file_parts": parts > 1 or None}
    items = {"ConvertParts": parts, "WriteChunks": chunks}
    calls: Counter[str] = Counter()
    transitions, events = _follow(machine, values, items, calls)
    return Load(rows, parts, chunks, transitions, calls, events + 2)


def _follow(
    machine: Definition, values: Mapping[str, Any], items: Mapping[str, int], calls: Counter[str]
) -> tuple[int, int]:
    """Return the transitions and events from the first state to the last, and count the calls."""
    name, transitions, events = machine["StartAt"], 0, 0
    while name:
        state = machine["States"][name]
        transitions += 1
        events += EVENTS_OF_STATE.get(state["Type"], 2)
        if state["Type"] == "Map":
            inner: Counter[str] = Counter()
            steps, inside = _follow(state["ItemProcessor"], values, items, inner)
            transitions += items[name] * steps
            events += items[name] * (inside + EVENTS_OF_ITEM)
            calls.update({call: number * items[name] for call, number in inner.items()})
        elif state.get("Resource", "").startswith(FUNCTION_ARN_PREFIX):
            calls[state["Resource"].removeprefix(FUNCTION_ARN_PREFIX)] += 1
        name = _next(state, values)
    return transitions, events


def _next(state: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    for choice in state.get("Choices", ()):
        if _holds(choice, values):
            return str(choice["Next"])
    return str(state.get("Default") or state.get("Next", ""))


def _holds(condition: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Return whether a condition holds for `values`; a variable that is not in it is empty."""
    if "Not" in condition:
        return not _holds(condition["Not"], values)
    if "And" in condition or "Or" in condition:
        results = [_holds(part, values) for part in condition.get("And") or condition["Or"]]
        return all(results) if "And" in condition else any(results)
    value = values.get(condition["Variable"])
    if "IsPresent" in condition:
        return bool((value is not None) == condition["IsPresent"])
    if "NumericGreaterThan" in condition:
        return bool((value or 0) > condition["NumericGreaterThan"])
    expected = condition.get("StringEquals", condition.get("BooleanEquals"))
    return bool((value or type(expected)()) == expected)


def usage(load: Load, name: str = "this release") -> Usage:
    """Return what a load uses: its requests and its time are those of the functions that it calls.

    Its points are in one month, and no other load has them. Then RegisterLoad and ConfirmWritten store two objects,
    read the footprints and the outcomes, which they list, and make five requests to the ledger. CompareParts reads the
    footprint of each part, and of those after it.
    """
    calls, registrations = sum(load.calls.values()), load.calls.get("register_load", 0)
    seconds = load.parts + load.rows * 1.5e-6, load.chunks / 2 + load.rows / POINTS_PER_S
    amounts = {
        "transitions": load.transitions,
        "invocations": calls,
        "GB-seconds": 2 + 1.73 * (seconds[0] + 0.4 * registrations) + 0.5 * seconds[1],
        "S3 writes": s3_writes(load.parts, load.chunks) + 3 * bool(registrations),
        "S3 reads": s3_reads(load.parts, load.chunks)
        + (2 * load.parts + load.chunks + 1) * bool(registrations)
        + load.parts * (load.parts - 1) // 2 * (registrations > 2),
        "log bytes": load.events * EVENT_BYTES + calls * CALL_BYTES,
        "ledger writes": 5 + 3 * bool(registrations),
        "ledger reads": 1 + 2 * bool(registrations),
    }
    return Usage(name, amounts)


def s3_writes(parts: int, chunks: int) -> int:
    """Return the PUT and LIST requests of a load.

    A chunk has its body, its manifest, and its outcome before and after the writing; a part its outcome and its
    footprint, and in a file with several parts its series; a load its report, as JSON and HTML, and one LIST (or two).
    """
    return 4 * chunks + (2 if parts == 1 else 3) * parts + 2 + (1 if parts == 1 else 2)


def s3_reads(parts: int, chunks: int) -> int:
    """Return the GET and HEAD requests of a load: 4 for each chunk and about 11 for each part."""
    return 4 * chunks + 11 * parts


def former_load(rows: int) -> Load:
    """Return the same load in the former release: 50,000 points a chunk, three transitions and 11 events for each."""
    parts = -(-rows // PART_ROWS)
    chunks = min(20 * parts, -(-rows // 50_000))
    functions = {"others": 4 + (parts > 1), "convert_and_chunk": parts, "write_batch": chunks}
    several = int(parts > 1)
    transitions = 13 + several + parts + 3 * chunks
    return Load(rows, parts, chunks, transitions, functions, 47 + 5 * several + 7 * parts + 11 * chunks)


FORMER_EVENT_BYTES = 1020
"""The size of a log line of the former release, which contained the input or output of the state."""


def former_usage(load: Load) -> Usage:
    """Return what a load of the former release used."""
    amounts = dict(usage(load).amounts)
    amounts["S3 writes"] -= load.parts  # there were no footprints
    amounts["log bytes"] += load.events * (FORMER_EVENT_BYTES - EVENT_BYTES)
    return Usage("former release", amounts)


PAGE = """\
# Costs

Written by `make costs`, which follows the deployed definition. The prices are the list prices of us-east-1 in 2026 on
arm64; check those of your Region. InfluxDB is assumed to ingest {speed:,} points per second from one function.

## Files of {rows:,} rows

| files | release | transitions | invocations | S3 writes | S3 reads | log bytes | cost |
|---|---|---|---|---|---|---|---|
{files}

## Larger files

| rows | parts | chunks | transitions | Lambda | S3 | logs | ledger | a file | before | a billion points |
|---|---|---|---|---|---|---|---|---|---|---|
{sizes}

Of the cost of a file of {rows:,} rows, {share:.0%} is for state transitions, which its size does not change. The two
states that register a load and confirm it, so that the newest revision's values stand, and the Choice after them cost
three. Each of the other states claims, checks, or settles something, or chooses the next one.

The tables leave out the LIST requests with which ValidateSchema looks for Delta or Iceberg metadata next to a file.
Each process of the function makes one a day for each folder in which it may be, not one for each load, and a thousand
cost $0.005.

A load that waits for InfluxDB costs [four transitions for each attempt](deploy.md#outages-of-influxdb). A retry costs
one.

## Log bytes

The log of the state machine does not contain the data of the states, which the history of an execution keeps for 90
days. A load of {rows:,} rows logs {bytes:,} bytes; the former release logged {former_bytes:,}. Of these,
{function_bytes:,} are assumed for the functions, which logged {measured_bytes:,} on the local cloud.

{sweeps}
{metrics}"""


def page(machine: Definition) -> str:
    """Return the page."""
    now, former = usage(walk(machine, ROWS)), former_usage(former_load(ROWS))
    files = (_file_row(count, each) for count in FILE_COUNTS for each in (former, now))
    return PAGE.format(
        speed=POINTS_PER_S,
        rows=ROWS,
        files="\n".join(files),
        sizes="\n".join(_size_row(machine, rows) for rows in LARGER_ROWS),
        bytes=int(now.amounts["log bytes"]),
        former_bytes=int(former.amounts["log bytes"]),
        function_bytes=int(now.amounts["invocations"] * CALL_BYTES),
        measured_bytes=MEASURED_CALL_BYTES,
        share=PRICES["transitions"] * now.amounts["transitions"] / now.dollars,
        sweeps=sweep_section(PRICES["ledger reads"]),
        metrics=metric_section(),
    )


def _file_row(count: int, each: Usage) -> str:
    names = ("transitions", "invocations", "S3 writes", "S3 reads", "log bytes")
    amounts = (f"{count * int(each.amounts[name]):,}" for name in names)
    return _row((f"{count:,}", each.name, *amounts, f"{100 * count * each.dollars:,.3g} ¢"))


def _size_row(machine: Definition, rows: int) -> str:
    load = walk(machine, rows)
    now, before = usage(load), former_usage(former_load(rows))
    groups = (
        ("transitions",),
        ("invocations", "GB-seconds"),
        ("S3 writes", "S3 reads"),
        ("log bytes",),
        ("ledger writes", "ledger reads"),
    )
    parts = (f"${sum(PRICES[name] * now.amounts[name] for name in names):.6f}" for names in groups)
    billion = now.dollars / rows * 1e9
    return _row(
        (
            f"{rows:,}",
            load.parts,
            load.chunks,
            *parts,
            f"${now.dollars:.5f}",
            f"${before.dollars:.5f}",
            f"${billion:.2f}",
        )
    )


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


if __name__ == "__main__":
    sys.stdout.write(page(definition()))
