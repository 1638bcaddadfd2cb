"""`loader stale`: list the points in InfluxDB that a replaced file had, and that no current file has."""

from typing import Annotated, Any

import typer

from cli.deployed.stack import Deployment
from cli.options import AsJson, Dataset, Prefix, Stack
from cli.output import console, listing, progress, quantity, show_json
from cli.targets import check_dataset, parse_prefix
from shared.settings import STACK_NAME

Delete = Annotated[bool, typer.Option("--delete", help="Delete the stale points, after a question.")]
Yes = Annotated[bool, typer.Option("--yes", help="With --delete: do not ask.")]
Force = Annotated[
    bool,
    typer.Option("--force", help="With --delete: also if files are not loaded completely, or if many points would go."),
]
OtherWriters = Annotated[
    bool,
    typer.Option("--other-writers", help="With --delete: other programs write to the measurement; spare their series."),
]


def stale(
    prefix: Prefix = "",
    *,
    dataset: Dataset = "",
    delete: Delete = False,
    yes: Yes = False,
    force: Force = False,
    other_writers: OtherWriters = False,
    stack: Stack = STACK_NAME,
    as_json: AsJson = False,
) -> None:
    """List the points that replaced files left in InfluxDB, and that no current file contains.

    Compares the footprints of all loads, and reads neither the files nor InfluxDB. With `--delete`, shows a plan, asks,
    and deletes the points; docs/when-files-change.md says what to read first. The exit status is 0 only if all of them
    were removed.
    """
    if delete:
        from cli.stale_deletion import DeleteOptions, delete_stale  # noqa: PLC0415 - it loads pyarrow

        options = DeleteOptions(yes=yes, force=force, other_writers=other_writers, as_json=as_json)
        raise typer.Exit(0 if delete_stale(Deployment(stack), prefix, dataset, options) else 1)
    # These imports load pyarrow, which takes half a second that other commands need not spend.
    from cli.deployed.stale import prepare_searches  # noqa: PLC0415
    from shared.stale.summary import StaleSummary  # noqa: PLC0415

    deployment, results = Deployment(stack), list[dict[str, Any]]()
    if dataset:
        check_dataset(dataset)
    address = parse_prefix(prefix, deployment.source_bucket)
    with progress() as bar:
        bar.add_task("comparing footprints", total=None)
        for prepared in prepare_searches(deployment, address.prefix, dataset):
            summary = StaleSummary()
            summary.add(prepared.search.find(lambda name: name.startswith(address.address)))
            place = {"influxdb_bucket": prepared.measurement.bucket, "measurement": prepared.measurement.name}
            results.append({**place, **summary.report(prepared.loads)})
    if as_json:
        show_json(results)
    else:
        _show(results)


def _show(results: list[dict[str, Any]]) -> None:
    for result in results:
        _show_points(result)
        for line in _remarks(result):
            console.print(line, style="dim", soft_wrap=True, markup=False)
    if not any(result["points"] or result["not_checkable_count"] for result in results):
        console.print("no stale points")


def _show_points(result: dict[str, Any]) -> None:
    if not result["points"]:
        return
    points, series = quantity(result["points"], "stale point"), result["series_count"]
    console.print(f"{result['measurement']}: {points} in {series:,} series", markup=False)
    table = listing("#points", "from", "to", "series")
    for each in result["series"]:
        table.add_row(f"{each['points']:,}", each["first_time"], each["last_time"], each["series"])
    console.print(table)
    if more := series - len(result["series"]):
        console.print(f"and {more:,} more series")
    for example in result["examples"]:
        fields = ", ".join(example["fields"])
        console.print(f"example: {example['time']}  {example['series']}  {fields}", soft_wrap=True, markup=False)


def _remarks(result: dict[str, Any]) -> list[str]:
    """Return what cannot be said for sure, and why."""
    name, remarks = result["measurement"], list[str]()
    if count := result["not_checkable_count"]:
        remarks.append(
            f"{name} is not checkable: {quantity(count, 'current file')} without a footprint, such as "
            f"{result['not_checkable'][0]}. Run `loader footprints` first."
        )
    if count := result["unknown_count"]:
        remarks.append(
            f"{name}: nobody knows the points of {quantity(count, 'replaced file')} without a footprint, such as "
            f"{result['unknown'][0]}."
        )
    if count := result["uncertain"]:
        remarks.append(
            f"{name}: {quantity(count, 'more point')} may be stale: it is not known whether InfluxDB stores them."
        )
    if count := result["rejected"]:
        remarks.append(
            f"{name}: InfluxDB rejected {quantity(count, 'point')} of replaced files, which are not counted."
        )
    if result["not_judged"]:
        remarks.append(f"{name}: a new revision of {result['not_judged'][0]} has just arrived. Look again later.")
    if result["running"]:
        remarks.append(f"{name}: {result['running'][0]} is being loaded. Points that it will write may be listed.")
    return remarks
