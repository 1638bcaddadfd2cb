"""The response of a load, as `loader load` and `loader show` print it."""

import shlex

from rich.table import Table
from rich.text import Text

from cli.advice import show_remedies
from cli.deployed.stack import Deployment, page_key
from cli.output import console, facts, listing, status
from shared.ledger import object_name
from shared.responses import ConversionStats, LoadData

ALREADY_LOADED = "Skipped: already loaded"


def show_result(deployment: Deployment, message: str, data: LoadData | None, execution: str) -> None:
    """Print the result of a load, what became of its rows, where to find more, and what to do next.

    Args:
        deployment: The stack that loaded the file.
        message: The message of the execution's response.
        data: The data of the response; None if no function of the loader wrote it.
        execution: The name of the execution.
    """
    error = data.get("error", "") if data else ""
    verdict = "failed" if error or data is None else "skipped" if message.startswith("Skipped") else "loaded"
    console.print(Text.assemble((data.get("key", "") if data else "", "bold"), "  ", status(verdict)))
    console.print(f"{error}: {message}" if error else message, soft_wrap=True, markup=False)
    if data and data["conversion_stats"]["input_rows"]:
        console.print(rows_table(data["conversion_stats"], data["points_written"]))
    console.print(_links(deployment, data, execution), soft_wrap=True)
    show_remedies([error] if error else [])
    if data and message == ALREADY_LOADED:
        address = shlex.quote(object_name(data["bucket"], data["key"]))
        console.print(f"To load it again, run `loader load {address} --force`.", soft_wrap=True, markup=False)


def _links(deployment: Deployment, data: LoadData | None, execution: str) -> Text:
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


def rows_table(stats: ConversionStats, points_written: int) -> Table:
    """Return a table in which each row of the file is counted once."""
    table = listing("#rows", "result")
    rejected = stats["refused_points"]
    unsent = stats["output_points"] - points_written - rejected
    table.add_row(f"{points_written:,}", "points written to InfluxDB")
    for count, result in ((rejected, "points that InfluxDB rejected"), (unsent, "points that were not written")):
        if count:
            table.add_row(f"{count:,}", Text(result, style="red"))
    if stats["collapsed_rows"]:
        table.add_row(f"{stats['collapsed_rows']:,}", "collapsed: they repeat another row exactly")
    for rule, count in stats["set_aside_rows"].items():
        table.add_row(f"{count:,}", Text(f"set aside: {rule}", style="yellow"))
    return table
