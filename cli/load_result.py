"""The response of a load, as `loader load` and `loader show` print it."""

import shlex
from collections.abc import Iterable, Mapping
from typing import cast

from rich.text import Text

from cli.deployed.executions import Execution
from cli.deployed.stack import Deployment, page_key
from cli.facts import Facts
from cli.listing import Listing
from cli.output import PARTLY_LOADED, console, facts, listing, status
from cli.remedies import show_remedies
from shared.ledger import object_name
from shared.responses import ConversionStats, LoadData
from shared.stale.report import describe_stale

ALREADY_LOADED = "Skipped: already loaded"

FATES = {
    "rejected": ("points that InfluxDB rejected", "red"),
    "superseded": ("points that a newer revision superseded", ""),
    "unknown": ("points that may be stored: InfluxDB did not acknowledge them", "yellow"),
    "not_sent": ("points that were not sent", "red"),
    "not_written": ("points that were not written, or not acknowledged", "red"),
}
"""The description and the color of each fate of points that are not stored."""


def show_result(deployment: Deployment, message: str, data: LoadData | None, execution: str) -> None:
    """Print the result of a load, what became of its rows, where to find more, and what to do next.

    Args:
        deployment: The stack that loaded the file.
        message: The message of the execution's response.
        data: The data of the response; None if no function of the loader wrote it.
        execution: The name of the execution.
    """
    error = data.get("error", "") if data else ""
    verdict = _verdict(message, data)
    console.print(Text.assemble((data.get("key", "") if data else "", "bold"), "  ", status(verdict)))
    if verdict != "partly loaded":  # the message of such a load says that it succeeded
        console.print(f"{error}: {message}" if error else message, soft_wrap=True, markup=False)
    if data and data["conversion_stats"]["input_rows"]:
        console.print(rows_table(data["conversion_stats"], points_by_fate(data)))
    console.print(_links(deployment, data, execution), soft_wrap=True)
    show_remedies([error] if error and data else [], _runbook_facts(deployment, data, execution) if data else {})
    if data and verdict == "partly loaded":
        quarantine = f"loader quarantine {data.get('load_id', '')[:8]}"
        console.print(f"Not every row is in InfluxDB: `{quarantine}` lists the others with their reasons.")
    if data and (stale := data.get("stale")) and (warning := describe_stale(stale, data.get("key", ""))):
        console.print(Text(warning, "yellow"), soft_wrap=True)
    if data and message == ALREADY_LOADED:
        address = shlex.quote(object_name(data["bucket"], data["key"]))
        console.print(f"To load it again, run `loader load {address} --force`.", soft_wrap=True, markup=False)


def _runbook_facts(deployment: Deployment, data: LoadData, execution: str) -> dict[str, str]:
    """Return the values of the placeholders in the runbook's commands, as the page of the load has them."""
    return {
        "key": data.get("key", ""),
        "load id": data.get("load_id", ""),
        "dataset": data.get("dataset_type") or "",
        "execution": execution,
        "execution name": execution,
        "SOURCE": deployment.source_bucket,
        "WORK": deployment.work_bucket,
    }


def _verdict(message: str, data: LoadData | None) -> str:
    if data is None or "error" in data:
        return "failed"
    return "skipped" if message.startswith("Skipped") else data.get("verdict", "loaded")


def exit_status(execution: Execution) -> int:
    """Return the exit status of a command that waited for a load."""
    if execution.status != "SUCCEEDED":
        return 1
    return PARTLY_LOADED if is_partly_loaded(execution) else 0


def worst_exit_status(executions: Iterable[Execution]) -> int:
    """Return the worst exit status of several loads: 1 if one failed, else that of one that is partly loaded."""
    return max(map(exit_status, executions), default=0, key=(0, PARTLY_LOADED, 1).index)


def is_partly_loaded(execution: Execution) -> bool:
    """Return whether a load ended well, but did not store every row of its file."""
    data = execution.load_data
    return data is not None and data.get("verdict") == "partly loaded"


def _links(deployment: Deployment, data: LoadData | None, execution: str) -> Facts:
    if data is None:
        return facts({"execution": execution})
    report = data.get("report", "")
    return facts(
        {
            "load": data.get("load_id", ""),
            "execution": execution,
            "duration": f"{data['processing_time_seconds']:.1f} s",
            "report": object_name(deployment.work_bucket, report) if report else "",
            "page": _page(deployment, report) if report else "",
        }
    )


def _page(deployment: Deployment, report: str) -> Text:
    """Return the address of the report's page, as a link that a terminal can open in a browser."""
    return Text(object_name(deployment.work_bucket, page_key(report)), f"link {deployment.page_url(report)}")


def points_by_fate(data: LoadData) -> Mapping[str, int]:
    """Return the points of a response by fate. Earlier releases did not say what was not sent and what is unknown."""
    if "points" in data:
        return cast("Mapping[str, int]", data["points"])
    stats, stored = data["conversion_stats"], data["points_written"]
    rest = stats["output_points"] - stored - stats["refused_points"]
    return {"stored": stored, "rejected": stats["refused_points"], "not_written": rest}


def rows_table(stats: ConversionStats, points: Mapping[str, int]) -> Listing:
    """Return a table in which each row of the file is counted once.

    Args:
        stats: The rows of the file by result.
        points: The points by fate.
    """
    table = listing("#rows", "result")
    table.add_row(f"{points['stored']:,}", "points stored in InfluxDB")
    for fate, (result, style) in FATES.items():
        if points.get(fate):
            table.add_row(f"{points[fate]:,}", Text(result, style=style))
    if stats["collapsed_rows"]:
        table.add_row(f"{stats['collapsed_rows']:,}", "collapsed: they repeat another row exactly")
    for rule, count in stats["set_aside_rows"].items():
        table.add_row(f"{count:,}", Text(f"set aside: {rule}", style="yellow"))
    return table
