"""The response of a load, as a person reads it."""

from typing import Any

from rich.text import Text

from cli.advice import show_remedies
from cli.deployed.stack import Deployment, page_key
from cli.output import console, facts, listing, status

ALREADY_LOADED = "Skipped: already loaded"


def show_response(deployment: Deployment, response: dict[str, Any], execution: str) -> None:
    """What became of the file, and where to look further. `execution` is a name."""
    data = response.get("data", {})
    headline, failed = response.get("message", ""), data.get("error", "")
    verdict = "failed" if failed else "skipped" if headline.startswith("Skipped") else "loaded"
    console.print(Text.assemble((data.get("key", ""), "bold"), "  ", status(verdict)))
    console.print(f"{failed}: {headline}" if failed else headline, soft_wrap=True, markup=False)
    stats = data.get("conversion_stats") or {}
    if stats.get("input_rows"):
        console.print(rows_table(stats, data["points_written"]))
    where = {
        "load": data.get("load_id", ""),
        "execution": execution,
        "took": f"{data['processing_time_seconds']:.1f} s" if "processing_time_seconds" in data else "",
        "report": f"s3://{deployment.work_bucket}/{data['report']}" if "report" in data else "",
        "page": _page(deployment, data["report"]) if "report" in data else "",
    }
    console.print(facts(where), soft_wrap=True)
    show_remedies([failed] if failed else [])
    if headline == ALREADY_LOADED:
        console.print("`loader load s3://… --force` loads it again, `loader show` tells of its load")


def _page(deployment: Deployment, report: str) -> Text:
    """Its address, which a terminal may open in a browser."""
    return Text(f"s3://{deployment.work_bucket}/{page_key(report)}", f"link {deployment.page_url(report)}")


def rows_table(stats: dict[str, Any], points_written: int) -> Any:
    """Each row of the file in one line."""
    table = listing("#rows", "became")
    refused = stats["refused_points"]
    table.add_row(f"{points_written:,}", "points in InfluxDB")
    unsent = stats["output_points"] - points_written - refused
    for count, place in ((refused, "points that InfluxDB refused"), (unsent, "points that were not written")):
        if count:
            table.add_row(f"{count:,}", Text(place, style="red"))
    if stats["collapsed_rows"]:
        table.add_row(f"{stats['collapsed_rows']:,}", "nothing: exact repetitions of another row")
    for rule, count in stats["set_aside_rows"].items():
        table.add_row(f"{count:,}", Text(f"set aside: {rule}", style="yellow"))
    return table
