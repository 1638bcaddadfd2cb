"""`loader verify`: compare the points that a load sent with the points that InfluxDB stores."""

import shlex
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from cli.deployed.reports import Report, find_report
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError
from cli.options import AsJson, Load, Stack
from cli.output import console, iso_time, listing, progress, quantity, show_json, status
from shared.datasets import DATASETS
from shared.ledger import object_name
from shared.settings import STACK_NAME, influx_settings

if TYPE_CHECKING:
    from cli.comparison import Window

MAX_DIFFERENCES = 20
"""How many differences to print. `--json` has up to five of each window."""


def verify(load: Load, *, stack: Stack = STACK_NAME, as_json: AsJson = False) -> None:
    """Compare the points that a load sent with the points that InfluxDB stores.

    Queries InfluxDB for one time window after another. This machine must be able to reach InfluxDB.
    """
    deployment = Deployment(stack)
    report = find_report(deployment, load)
    windows = _compare(deployment, report)
    if as_json:
        show_json([_content(window) for window in windows])
    else:
        _show(windows, object_name(report.data["bucket"], report.data["key"]))
    raise typer.Exit(0 if all(window.equal for window in windows) else 1)


def _compare(deployment: Deployment, report: Report) -> "list[Window]":
    # These imports load pyarrow and pandas, which takes a second that other commands need not spend.
    from cli.comparison import compare_windows, parse_lines, width_for  # noqa: PLC0415
    from cli.deployed.sent_lines import sent_lines  # noqa: PLC0415
    from shared.influx import Influx  # noqa: PLC0415

    file, outcomes = report.file, report.outcomes
    if file is None or outcomes.span is None:
        raise NotFoundError("this load sent no points, so there is nothing to verify")
    dataset, settings = DATASETS[file["dataset"]], influx_settings(deployment.delivery_environment())
    bin_ns = max(part["profile"]["bucket_ns"] for part in outcomes.parts if part["profile"])
    with progress() as bar:
        chunks = sent_lines(deployment, report, file)
        tracked = bar.track(chunks, outcomes.chunks_planned, description="reading what was sent")
        sent = parse_lines(tracked, dataset.field_names)
        width_ns = width_for(*outcomes.span, bin_ns)
        total = sent.values["time"].floordiv(width_ns).nunique()
        windows = compare_windows(sent, width_ns, dataset, Influx(settings), dataset.bucket or settings.bucket)
        return list(bar.track(windows, total, description="querying InfluxDB"))


def _content(window: "Window") -> dict[str, Any]:
    return {
        "first_ns": window.first_ns,
        "end_ns": window.end_ns,
        "sent": window.sent,
        "found": window.stored,
        "sent_hash": window.sent_hash,
        "found_hash": window.stored_hash,
        "missing": window.missing,
        "changed": window.changed,
        "differences": window.differences,
        "equal": window.equal,
    }


def _show(windows: "list[Window]", address: str) -> None:
    differing = [window for window in windows if not window.equal]
    values = quantity(sum(window.sent for window in windows), "value")
    verdict = f"  {values} in {quantity(len(windows), 'window')}"
    verdict += f"; {quantity(len(differing), 'window')} with differences" if differing else ""
    console.print(Text.assemble(status("differs" if differing else "equal"), verdict))
    if not differing:
        return
    table = listing("from", "to", "#sent", "#stored", "#missing", "#changed", "hash sent", "hash stored")
    for window in differing:
        counts = (f"{count:,}" for count in (window.sent, window.stored, window.missing, window.changed))
        times = (iso_time(window.first_ns), iso_time(window.end_ns))
        table.add_row(*times, *counts, window.sent_hash, window.stored_hash)
    console.print(table)
    differences = [difference for window in differing for difference in window.differences]
    for difference in differences[:MAX_DIFFERENCES]:
        console.print(Text(difference), soft_wrap=True)
    command = f"loader load {shlex.quote(address)} --force"
    advice = f"A later load may have overwritten them (see `loader history`). To write them again, run `{command}`."
    console.print(Text(advice), soft_wrap=True)
