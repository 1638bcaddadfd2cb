"""`loader quarantine`: what a load did not write, and why."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer
from rich.text import Text

from cli.deployed.reports import find_report
from cli.deployed.stack import Deployment
from cli.options import AsJson, Load, Stack
from cli.output import console, progress, show_json
from shared.settings import STACK_NAME

if TYPE_CHECKING:
    from cli.deployed.quarantine import Group, SetAside

Export = Annotated[Path | None, typer.Option("--export", help="write all of it here, as JSON lines", dir_okay=False)]


def quarantine(load: Load, *, export: Export = None, stack: Stack = STACK_NAME, as_json: AsJson = False) -> None:
    """List what a load set aside and what InfluxDB refused, grouped by rule, with samples."""
    from cli.deployed.quarantine import grouped, set_aside  # noqa: PLC0415 - pyarrow takes half a second

    deployment = Deployment(stack)
    report = find_report(deployment, load)
    with progress() as bar:
        found = bar.track(set_aside(deployment, report), description="reading the quarantine")
        groups = grouped(_exported(found, export) if export else found)
    if as_json:
        show_json([_content(group) for group in groups])
    else:
        _show(groups)


def _exported(found: "Iterable[SetAside]", path: Path) -> "Iterable[SetAside]":
    """The same; each also goes into the file."""
    with path.open("wb") as file:
        for each in found:
            file.write(_json(each) + b"\n")
            yield each


def _json(each: "SetAside") -> bytes:
    """NaN becomes null; times and what else JSON does not have become text."""
    return orjson.dumps(each._asdict(), default=str, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _content(group: "Group") -> dict[str, Any]:
    samples = [orjson.loads(_json(sample)) for sample in group.samples]
    return {"rule": group.rule, "reason": group.reason, "rows": group.rows, "samples": samples}


def _show(groups: "list[Group]") -> None:
    if not groups:
        console.print("nothing was set aside, and nothing refused")
    for group in groups:
        console.print(Text.assemble((f"{group.rows:,}", "bold"), "  ", (group.rule, "yellow"), f"  {group.reason}"))
        for sample in group.samples:
            values = "  ".join(f"{name}={value}" for name, value in sample.record.items() if value is not None)
            console.print(Text(f"    row {sample.source_row:,}: {values}", style="dim"), soft_wrap=True)
