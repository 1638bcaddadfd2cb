"""The result of a backfill, as `loader backfill` prints it."""

from collections.abc import Mapping, Sequence

from rich.text import Text

from cli.deployed.executions import Execution
from cli.deployed.stack import Deployment
from cli.output import PARTLY_LOADED, console, facts, quantity, status
from cli.remedies import RUNBOOK, show_remedies
from shared.ledger import object_name
from shared.responses import BackfillData, UnloadedFile
from shared.tables import describe_table

SKIP_KINDS = {
    "folder": "folders",
    "hidden": "hidden or temporary",
    "suffix": "with another suffix",
    "undone": "undone with `loader undo`",
}
"""The kinds of `shared.file_keys.SkipKind`, and files whose load was undone, in words."""


def show_backfill(deployment: Deployment, execution: Execution) -> None:
    """Print how many files are loaded, each file that is not, why, and what to do next."""
    data = execution.backfill_data
    if data is None:
        console.print(status(execution.status).append(f"  {execution.message}", "default"))
        console.print("To load the remaining files, run `loader backfill` with the same prefix again.")
        return
    complete = data["loaded_files"] == data["files"]
    verb = "is" if data["files"] == 1 else "are"
    verdict = f"{data['loaded_files']:,} of {quantity(data['files'], 'file')} {verb} loaded"
    partly = data.get("partly_loaded_files", 0)
    if partly:
        verdict += ", but only partly" if data["loaded_files"] == 1 else f", {partly:,} of them partly"
    console.print(Text(verdict, "bold red" if not complete else "bold dark_orange" if partly else "green"))
    _show_partly_loaded(data.get("partly_loaded", []), partly)
    _show_buckets(data)
    _show_skipped(data.get("skipped_objects", {}))
    _show_tables(data)
    if older := data.get("older_revisions", 0):
        message = f"Not loaded, because a newer revision replaces them: {quantity(older, 'file')}"
        console.print(message, style="dim", soft_wrap=True)
    for file in data["not_loaded"]:
        _show_file(file, data["bucket"])
    if more := data["files"] - data["loaded_files"] - len(data["not_loaded"]):
        console.print(f"… and {quantity(more, 'file')} more, which the report lists", style="dim")
    _show_next_steps(execution.error, data)
    links = {
        "prefix": object_name(data["bucket"], data["prefix"]),
        "report": object_name(deployment.work_bucket, data["report"]),
        "page": data.get("report_page", ""),
        "duration": f"{data['processing_time_seconds']:.0f} s",
    }
    console.print(facts(links), soft_wrap=True)


def backfill_exit_status(execution: Execution) -> int:
    """Return the exit status of a command that waited for a backfill."""
    data = execution.backfill_data
    if execution.status != "SUCCEEDED" or data is None or data["not_loaded"]:
        return 1
    return PARTLY_LOADED if data.get("partly_loaded_files", 0) else 0


def _show_buckets(data: BackfillData) -> None:
    """Print for how many files the InfluxDB bucket was replaced, or may have been. A former release counts neither."""
    if reloaded := data.get("reloaded_files", 0):
        console.print(f"{quantity(reloaded, 'file')} loaded again, because the InfluxDB bucket was replaced")
    if unchecked := data.get("not_checkable_files", 0):
        console.print(
            f"Not checkable: whether the InfluxDB bucket of {quantity(unchecked, 'file')} was replaced since the load. "
            "To load everything again, add --force.",
            style="dim",
            soft_wrap=True,
        )


def _show_skipped(counts: Mapping[str, int]) -> None:
    """Print how many objects are not files, by the kind of their keys."""
    if counts:
        kinds = ", ".join(f"{count:,} {SKIP_KINDS.get(kind, kind)}" for kind, count in sorted(counts.items()))
        console.print(f"Skipped objects that are not files to load: {kinds}", style="dim", soft_wrap=True)


def _show_tables(data: BackfillData) -> None:
    """Warn of files of a Delta or Iceberg table that no longer belong to it, but are still in its folder."""
    for folder in data.get("tables", []):
        console.print(describe_table(object_name(data["bucket"], folder)), style="dark_orange", soft_wrap=True)


def _show_partly_loaded(keys: Sequence[str], files: int) -> None:
    for key in keys:
        console.print(Text(f"  {key}  ").append_text(status("partly loaded")), soft_wrap=True)
    if files > len(keys):
        console.print(f"… and {quantity(files - len(keys), 'file')} more, which the report lists", style="dim")


def _show_file(file: UnloadedFile, bucket: str) -> None:
    reason = (file["error"], "red") if file["error"] else (file["status"], "yellow")
    console.print(Text.assemble(f"  {file['key']}  ", reason), soft_wrap=True)
    message = file["message"].removeprefix(f"{object_name(bucket, file['key'])}: ")
    console.print(Text(f"    {message}", "dim"), soft_wrap=True)


def _show_next_steps(error: str, data: BackfillData) -> None:
    """Print what to do about the files, and about an error of the backfill itself."""
    show_remedies(file["error"] for file in data["not_loaded"] if file["error"])
    if error == "States.ExceedToleratedFailureThreshold":
        console.print(
            "The backfill stopped because too many files failed. Correct them or raise "
            "--max-failures, then run it again."
        )
    elif error:
        console.print(Text.assemble((error, "red"), f": see section {error} of {RUNBOOK}"))
    elif any(not file["error"] for file in data["not_loaded"]):
        console.print(
            "Claimed files are still being loaded. Files with an unknown status arrived after the backfill had listed "
            "the bucket, or could not be read. Absent files do not exist. Replaced and unchanged files were loaded "
            "before, but not again by this backfill. Run it again to load them."
        )
