"""How far a backfill is, and its answer as a person reads it."""

from typing import TYPE_CHECKING, Any, NamedTuple

from rich.text import Text

from cli.deployment import Deployment
from cli.executions import Execution
from cli.remedies import RUNBOOK, show_remedies
from cli.screen import console, facts, status
from shared.ledger import object_name

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class Counts(NamedTuple):
    """Children of the Map, one an object; `total` grows while objects are listed."""

    total: int
    running: int
    succeeded: int
    failed: int

    @property
    def done(self) -> int:
        """Whatever became of them."""
        return self.succeeded + self.failed


def counts_of(client: "SFNClient", arn: str) -> Counts | None:
    """Of the Map of a backfill; None before it has begun."""
    runs = client.list_map_runs(executionArn=arn)["mapRuns"]
    if not runs:
        return None
    counts = client.describe_map_run(mapRunArn=runs[0]["mapRunArn"])["itemCounts"]
    failed = counts["failed"] + counts["timedOut"] + counts["aborted"]
    return Counts(counts["total"], counts["running"], counts["succeeded"], failed)


def show_backfill(deployment: Deployment, execution: Execution) -> None:
    """How many files are loaded; each other one that the answer names, why it is not, and what to do."""
    data = execution.answer.get("data")
    if data is None:
        console.print(status(execution.status).append(f"  {execution.answer.get('message', '')}", "default"))
        console.print("a new backfill of the same prefix begins where this one ended")
        return
    complete = data["loaded_files"] == data["files"]
    verdict = f"{data['loaded_files']:,} of {data['files']:,} files are loaded"
    console.print(Text(verdict, "green" if complete else "bold red"))
    for file in data["not_loaded"]:
        _show_file(file, data["bucket"])
    if more := data["files"] - data["loaded_files"] - len(data["not_loaded"]):
        console.print(f"and {more:,} more, all in the report", style="dim")
    _show_next(execution.error, data)
    where = {
        "prefix": object_name(data["bucket"], data["prefix"]),
        "report": object_name(deployment.work_bucket, data["report"]),
        "took": f"{data['processing_time_seconds']:.0f} s",
    }
    console.print(facts(where), soft_wrap=True)


def _show_file(file: dict[str, Any], bucket: str) -> None:
    why = (file["error"], "red") if file["error"] else (file["status"], "yellow")
    console.print(Text.assemble(f"  {file['key']}  ", why), soft_wrap=True)
    message = file["message"].removeprefix(f"{object_name(bucket, file['key'])}: ")
    console.print(Text(f"    {message}", "dim"), soft_wrap=True)


def _show_next(error: str, data: dict[str, Any]) -> None:
    """What to do about the files, and about the backfill itself."""
    show_remedies(file["error"] for file in data["not_loaded"] if file["error"])
    if error == "States.ExceedToleratedFailureThreshold":
        console.print(
            "too many failed, so it gave up: mend them or raise --tolerated-failure-percentage, and run it again"
        )
    elif error:
        console.print(Text.assemble((error, "red"), f": section {error} of {RUNBOOK} says what to do"))
    elif any(not file["error"] for file in data["not_loaded"]):
        console.print(
            "what is claimed is being loaded, what is unknown came too late or could not be read: run it again"
        )
