"""`make demo`: load files through the app deployed on this machine, then read back and compare every point.

`demo` starts the local cloud, deploys the app, uploads the files to the source bucket, watches the executions that the
uploads start, and compares what InfluxDB holds with the Parquet files.
"""

import json
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.json import JSON
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from cli.deployed.executions import Execution, wait_for_all
from cli.deployed.stack import page_key
from cli.output import console, step
from local import ROOT
from local.cloud import LocalCloud, local_cloud
from local.readback import Comparison, ReadbackError, compare
from local.samples import Sample, write_samples
from local.serve import clean_exit, wait_for_interrupt
from shared.dataset_keys import find_dataset
from shared.datasets import DATASETS

LOAD_TIMEOUT_S = 600

PAGES = ROOT / "build" / "demo"
"""The folder in which the pages of the reports are left."""

NO_VERDICT = 2
"""The exit status if InfluxDB answers with an error where its points are read back."""


def demo(
    *,
    file: Annotated[
        Path | None, typer.Option(help="Load this Parquet file instead of sample files.", exists=True)
    ] = None,
    dataset: Annotated[str, typer.Option(help=f"Dataset of the file: {', '.join(DATASETS)}.")] = "",
    rows: Annotated[int, typer.Option(help="Number of rows in each sample file.", min=1)] = 100_000,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the local cloud running until Ctrl-C.")] = False,
) -> None:
    """Load Parquet files into InfluxDB through the deployed state machine, and check that every point arrived."""
    with tempfile.TemporaryDirectory(prefix="loader-demo-") as folder, ExitStack() as running:
        samples = _sample_of(file, dataset) if file else write_samples(Path(folder), rows)
        with step("Starting the AWS emulator and InfluxDB"):
            cloud = running.enter_context(local_cloud())
        try:
            agree = _load_and_compare(cloud, samples)
            if keep:
                wait_for_interrupt(cloud)
        except ReadbackError as error:
            console.print(Text.assemble(("error: ", "red"), str(error)))
            raise typer.Exit(NO_VERDICT) from error
    raise typer.Exit(0 if agree else 1)


def _sample_of(file: Path, dataset: str) -> dict[str, Sample]:
    """Return the user's file with a key of its dataset.

    The key is the end of the file's path if that is one, since folders may have the values of tags.

    Raises:
        typer.BadParameter: The dataset is unknown, or has a key pattern that the path does not match.
    """
    if dataset not in DATASETS:
        raise typer.BadParameter(f"the dataset of {file} is not set: add DATASET=<{' or '.join(DATASETS)}>")
    parts = file.absolute().parts[1:]
    ends = ["/".join(parts[number:]) for number in reversed(range(len(parts)))]
    for key in (*ends, f"dataset={dataset}/{file.name}"):
        if (declared := find_dataset(key)) and declared.name == dataset:
            return {dataset: Sample(file, key)}
    raise typer.BadParameter(f"{file} does not end like a key of {dataset}: {DATASETS[dataset].key_pattern}")


def _load_and_compare(cloud: LocalCloud, samples: Mapping[str, Sample]) -> bool:
    with step("Deploying with cdk bootstrap and cdk deploy"):
        outputs = cloud.deploy()
    executions = _load(cloud, outputs, samples)
    for name, execution in executions.items():
        console.print(f"\n[bold]{name}[/] {execution.status} {execution.error}")
        console.print(JSON(json.dumps(execution.response)), soft_wrap=True)
    _save_pages(cloud, outputs["WorkBucketName"], executions)
    loaded = [name for name, execution in executions.items() if execution.status == "SUCCEEDED"]
    if loaded:
        with step("Reading every point back from InfluxDB"):
            comparisons = {name: _compare(cloud, name, samples[name]) for name in loaded}
        _print_comparisons(comparisons)
    return loaded == list(executions) and all(comparison.equal for comparison in comparisons.values())


def _load(cloud: LocalCloud, outputs: Mapping[str, str], samples: Mapping[str, Sample]) -> dict[str, Execution]:
    """Upload the files and watch the executions that this starts. Return the finished executions by dataset."""
    s3, dataset_of_key = cloud.client("s3"), {sample.key: name for name, sample in samples.items()}
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as progress:
        tasks = {key: progress.add_task(f"{name}: uploading", total=1) for key, name in dataset_of_key.items()}

        def show(execution: Execution) -> None:
            progress_text = execution.status if execution.ended else execution.state
            name = dataset_of_key[execution.key]
            progress.update(tasks[execution.key], description=f"{name}: {progress_text}", completed=execution.ended)

        for sample in samples.values():
            s3.upload_file(str(sample.path), outputs["SourceBucketName"], sample.key)
        sfn, machine = cloud.client("stepfunctions"), outputs["StateMachineArn"]
        executions = wait_for_all(sfn, machine, dataset_of_key, timeout_s=LOAD_TIMEOUT_S, observe=show)
    return {name: executions[key] for key, name in dataset_of_key.items()}


def _save_pages(cloud: LocalCloud, bucket: str, executions: Mapping[str, Execution]) -> None:
    """Save the page of each load's report, and print where it is."""
    PAGES.mkdir(parents=True, exist_ok=True)
    for name, execution in executions.items():
        data = execution.load_data
        if data and (report := data.get("report")):
            page = PAGES / f"{name}.html"
            cloud.client("s3").download_file(bucket, page_key(report), str(page))
            console.print(f"Page of the load: {page.relative_to(ROOT)}")


def _compare(cloud: LocalCloud, dataset: str, sample: Sample) -> Comparison:
    influx = cloud.influx
    place = {"url": influx.url, "bucket": influx.bucket, "token": influx.token}
    return compare(sample.path, DATASETS[dataset], **place, key=sample.key)


def _print_comparisons(comparisons: Mapping[str, Comparison]) -> None:
    table = Table(
        "dataset",
        "points in the file",
        "points in InfluxDB",
        "different",
        "result",
        title="Points read back from InfluxDB",
    )
    for name, comparison in comparisons.items():
        result = "[green]equal[/]" if comparison.equal else "[red]different[/]"
        table.add_row(
            name, f"{comparison.expected:,}", f"{comparison.read_back:,}", f"{comparison.differing_points:,}", result
        )
    console.print(table)
    for name, comparison in comparisons.items():
        for difference in comparison.differences:
            console.print(f"[red]{name}:[/] {difference}")


def main() -> None:
    """Run the command."""
    with clean_exit():
        typer.run(demo)


if __name__ == "__main__":
    main()
