"""`loader quarantine`: list what a load did not write, and why."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.text import Text

from cli.deployed.names import find_report
from cli.deployed.stack import Deployment
from cli.options import AsJson, Load, Stack
from cli.output import console, progress, show_json
from shared.settings import STACK_NAME

if TYPE_CHECKING:
    from cli.deployed.quarantine import Group, Quarantined

Export = Annotated[
    Path | None, typer.Option("--export", help="Write every row and point to this file, as JSON Lines.", dir_okay=False)
]


def quarantine(load: Load, *, export: Export = None, stack: Stack = STACK_NAME, as_json: AsJson = False) -> None:
    """List the rows that a load set aside and the points that InfluxDB rejected, by reason, with samples."""
    # This import loads pyarrow, which takes half a second that other commands need not spend.
    from cli.deployed.quarantine import group_by_reason, read_quarantine  # noqa: PLC0415

    deployment = Deployment(stack)
    report = find_report(deployment, load)
    with progress() as bar:
        records = bar.track(read_quarantine(deployment, report), description="reading the quarantine")
        groups = group_by_reason(_export_to(export, records) if export else records)
    if as_json:
        show_json([_content(group) for group in groups])
    else:
        _show(groups)


def _export_to(path: Path, records: "Iterable[Quarantined]") -> "Iterator[Quarantined]":
    """Write each record to the file, and pass it on."""
    with path.open("wb") as file:
        for record in records:
            file.write(_json(record) + b"\n")
            yield record


def _json(record: "Quarantined") -> bytes:
    """Return a record as JSON. NaN becomes null; times and other values that JSON lacks become text."""
    return orjson.dumps(record._asdict(), default=str, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _content(group: "Group") -> dict[str, Any]:
    samples = [orjson.loads(_json(sample)) for sample in group.samples]
    return {"rule": group.rule, "reason": group.reason, "rows": group.rows, "samples": samples}


def _show(groups: "list[Group]") -> None:
    if not groups:
        console.print("no rows were set aside, and InfluxDB rejected no points")
    for group in groups:
        console.print(Text.assemble((f"{group.rows:,}", "bold"), "  ", (group.rule, "yellow"), f"  {group.reason}"))
        for sample in group.samples:
            values = "  ".join(f"{name}={value}" for name, value in sample.record.items() if value is not None)
            console.print(Text(f"    row {sample.source_row:,}: {values}", style="dim"), soft_wrap=True)
