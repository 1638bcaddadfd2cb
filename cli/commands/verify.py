"""`loader verify`: is everything in InfluxDB that a load sent?"""

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from cli.deployed.reports import Report, find_report
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError
from cli.options import AsJson, Load, Stack
from cli.output import console, listing, moment, progress, show_json, status
from shared.datasets import DATASETS
from shared.ledger import object_name
from shared.settings import STACK_NAME, influx_settings

if TYPE_CHECKING:
    from cli.comparison import Window

SHOWN = 20
"""Differences that are spelled out here; `--json` tells up to five of each window."""


def verify(load: Load, *, stack: Stack = STACK_NAME, as_json: AsJson = False) -> None:
    """Read the points of a load back, window by window, and compare them with what was sent."""
    deployment = Deployment(stack)
    report = find_report(deployment, load)
    found = _windows(deployment, report)
    if as_json:
        show_json([asdict(window) | {"equal": window.equal} for window in found])
    else:
        _show(found, object_name(report.data["bucket"], report.data["key"]))
    raise typer.Exit(0 if all(window.equal for window in found) else 1)


def _windows(deployment: Deployment, report: Report) -> "list[Window]":
    from cli.comparison import values_of, width_for, windows  # noqa: PLC0415 - as above
    from cli.deployed.sent_lines import sent_lines  # noqa: PLC0415 - pyarrow and pandas take a second
    from shared.influx import Influx  # noqa: PLC0415 - as above

    file, outcomes = report.file, report.outcomes
    if file is None or outcomes.span is None:
        raise NotFoundError("this load sent nothing: there is nothing to verify")
    dataset, settings = DATASETS[file["dataset"]], influx_settings(deployment.delivery_environment())
    bucket_ns = max(part["profile"]["bucket_ns"] for part in outcomes.parts if part["profile"])
    with progress() as bar:
        chunks = sent_lines(deployment, report, file)
        tracked = bar.track(chunks, outcomes.chunks_planned, description="what was sent")
        sent = values_of(tracked, dataset.field_names)
        width_ns = width_for(*outcomes.span, bucket_ns)
        total = sent.values["time"].floordiv(width_ns).nunique()
        compared = windows(sent, width_ns, dataset, Influx(settings), dataset.bucket or settings.bucket)
        return list(bar.track(compared, total, description="reading back"))


def _show(found: "list[Window]", address: str) -> None:
    differing = [window for window in found if not window.equal]
    values, windows = sum(window.sent for window in found), len(found)
    verdict = status("differs" if differing else "equal")
    console.print(Text.assemble(verdict, f"  {values:,} values in {windows} windows, {len(differing)} of them differ"))
    if not differing:
        return
    table = listing("from", "to", "#sent", "#found", "#missing", "#changed", "hash sent", "hash found")
    for each in differing:
        counts = (f"{count:,}" for count in (each.sent, each.found, each.missing, each.changed))
        table.add_row(moment(each.first_ns), moment(each.end_ns), *counts, each.sent_hash, each.found_hash)
    console.print(table)
    differences = [difference for window in differing for difference in window.differences]
    for difference in differences[:SHOWN]:
        console.print(Text(difference), soft_wrap=True)
    again = f"loader load {shlex.quote(address)} --force"
    told = f"a later file may have rewritten them (loader history); `{again}` writes them as they were sent"
    console.print(Text(told), soft_wrap=True)
