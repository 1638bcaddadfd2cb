"""`loader status`: one screen with the state of all loads."""

import shlex
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from cli.deployed.dead_letters import count_dead_letters
from cli.deployed.ledger import Entry, Filter, entries
from cli.deployed.stack import Deployment
from cli.deployed.undo_records import UndoRecord, UndoRecords
from cli.deployed.unloaded import find_unloaded
from cli.listing import Column
from cli.load_status import HOURS, LoadStatus, sparkline, summarize
from cli.moments import Moment, ago
from cli.options import AsJson, Stack
from cli.output import console, listing, quantity, show_json
from cli.remedies import RUNBOOK
from shared.settings import STACK_NAME
from shared.stale.records import StaleRecord, StaleRecords

INTERVAL_S = 5
"""The time between two looks of --watch."""

Watch = Annotated[bool, typer.Option("--watch", help=f"Show the status again every {INTERVAL_S} seconds until Ctrl-C.")]


def status(*, watch: Watch = False, stack: Stack = STACK_NAME, as_json: AsJson = False) -> None:
    """Show what is running, what waits for its next try, and what needs a person."""
    deployment = Deployment(stack)
    if as_json:
        show_json(_content(_read(deployment), count_dead_letters(deployment), _stale(deployment), _undos(deployment)))
    elif watch:
        with Live(_screen(deployment), console=console, auto_refresh=False) as live:
            while True:
                time.sleep(INTERVAL_S)
                live.update(_screen(deployment), refresh=True)
    else:
        console.print(_screen(deployment))


def _read(deployment: Deployment) -> LoadStatus:
    now = datetime.now(UTC)
    return summarize(
        claimed=entries(deployment, Filter(status="claimed")),
        unloaded=find_unloaded(deployment, Filter()),
        loaded=entries(deployment, Filter(status="loaded", since=now - timedelta(hours=HOURS))),
        now=now,
        sweeps=deployment.sweeps,
    )


def _stale(deployment: Deployment) -> list[StaleRecord]:
    """Return the files and slots with stale points, those with most of them first."""
    records = (record for record in StaleRecords(deployment.ledger).read() if record["points"])
    return sorted(records, key=lambda record: -record["points"])


def _undos(deployment: Deployment) -> list[UndoRecord]:
    """Return the undos that are not complete, the oldest first."""
    return sorted(UndoRecords(deployment.ledger).read(), key=lambda record: record["begun_at"])


def _content(
    state: LoadStatus, dead_letters: int, stale: Sequence[StaleRecord], undos: Sequence[UndoRecord]
) -> dict[str, Any]:
    return {
        **{
            name: [{"load": entry.load_id, "object": entry.object, "error": entry.error} for entry in listed]
            for name, listed in (
                ("running", state.running),
                ("needs_person", state.needs_person),
                ("waiting", state.waiting),
                ("partly_loaded", state.partly_loaded),
            )
        },
        "dead_letters": dead_letters,
        "stale": [{"name": record["name"], "points": record["points"]} for record in stale],
        "undos": [{"load": record["load_id"], "object": record["undone"][0]["source"]} for record in undos],
        "activity": [asdict(each) | {"last_load": each.last_load.isoformat()} for each in state.activity],
    }


def _screen(deployment: Deployment) -> RenderableType:
    now, state, dead_letters = datetime.now(UTC), _read(deployment), count_dead_letters(deployment)
    stale, undos = _stale(deployment), _undos(deployment)
    title = f"{deployment.stack} in account {deployment.account}, {deployment.region}  {now:%Y-%m-%d %H:%M:%S} UTC"
    table = listing("#loads", "state", Column("details", "note"))
    for count, name, style, details in (
        (len(state.running), "running", "", _oldest(state.running, now, "loader watch")),
        (len(state.waiting), "waiting for the next try", "yellow", _next_try(state.waiting, now)),
        (
            len(state.needs_person),
            "needs a person" if len(state.needs_person) == 1 else "need a person",
            "bold red",
            _oldest(state.needs_person, now, "loader history"),
        ),
        (len(state.partly_loaded), f"partly loaded in {HOURS} hours", "dark_orange", _newest(state.partly_loaded)),
        (len(stale), "replaced, and left stale points", "dark_orange", _most(stale)),
        (
            len(undos),
            "undone, but not completely",
            "bold red",
            f"`loader undo {undos[0]['load_id'][:8]}` continues" if undos else "",
        ),
        (
            dead_letters,
            "event that started no load" if dead_letters == 1 else "events that started no load",
            "bold red",
            f"{RUNBOOK}, Dead letters",
        ),
    ):
        table.add_row(str(count), Text(name, style if count else "dim"), Text(details if count else "", "dim"))
    return Group(Text(title, "bold"), "", table, "", _activity(state, now))


def _oldest(listed: Sequence[Entry], now: datetime, command: str) -> str:
    """Return since when the first of some loads has its state, and the command for it."""
    if not listed:
        return ""
    first = min(listed, key=lambda entry: entry.changed_at)
    return f"the oldest {ago(first.changed_at, now)}: `{command}`"


def _next_try(waiting: Sequence[Entry], now: datetime) -> str:
    due = waiting[0].next_try_at if waiting else None
    return f"next at {due:%H:%M} UTC" if due and due > now else "in the next sweep"


def _most(stale: Sequence[StaleRecord]) -> str:
    """Return how many points are stale, and the command for the file that left most of them."""
    if not stale:
        return ""
    key = stale[0]["name"].removeprefix("s3://").partition("/")[2]
    points = quantity(sum(record["points"] for record in stale), "point")
    return f"{points}: `loader stale {shlex.quote(key)}`"


def _newest(partly_loaded: Sequence[Entry]) -> str:
    return f"`loader quarantine {partly_loaded[0].load_id[:8]}`" if partly_loaded else ""


def _activity(state: LoadStatus, now: datetime) -> RenderableType:
    if not state.activity:
        return Text(f"No file was loaded in the last {HOURS} hours.", "dim")
    table = listing(
        "dataset",
        "last load (UTC)",
        Column("files", "number", optional=True),
        "#points",
        f"points by hour, {HOURS} hours",
    )
    for each in state.activity:
        counts = (f"{count:,}" for count in (each.files, sum(each.points)))
        table.add_row(each.dataset, Moment(each.last_load, now), *counts, sparkline(each.points))
    return table
