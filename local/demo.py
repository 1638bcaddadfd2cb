"""`make demo`: files through the deployed app on this machine, then every point read back and compared."""

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

from cli.deployed.executions import Execution, wait_for_all
from cli.output import console, step
from local.cloud import LocalCloud, local_cloud
from local.readback import Comparison, compare
from local.samples import Sample, write_samples
from local.serve import tidy_end
from shared.datasets import DATASETS

LOAD_TIMEOUT_S = 600


def demo(
    file: Annotated[Path | None, typer.Option(help="load this Parquet file instead of samples", exists=True)] = None,
    dataset: Annotated[str, typer.Option(help=f"the file's dataset: {', '.join(DATASETS)}")] = "",
    rows: Annotated[int, typer.Option(help="rows of each sample file", min=1)] = 100_000,
) -> None:
    """Load Parquet files into InfluxDB through the deployed state machine, and prove that every point arrived."""
    with tempfile.TemporaryDirectory(prefix="loader-demo-") as folder, ExitStack() as running:
        samples = _own_file(file, dataset) if file else write_samples(Path(folder), rows)
        with step("starting AWS emulator and InfluxDB"):
            cloud = running.enter_context(local_cloud())
        agree = _load_and_compare(cloud, samples)
    raise typer.Exit(0 if agree else 1)


def _own_file(file: Path, dataset: str) -> dict[str, Sample]:
    """The user's file under a key that names its dataset."""
    if dataset not in DATASETS:
        raise typer.BadParameter(f"say which dataset {file} is: DATASET=<one of {', '.join(DATASETS)}>")
    return {dataset: Sample(file, f"dataset={dataset}/{file.name}")}


def _load_and_compare(cloud: LocalCloud, samples: Mapping[str, Sample]) -> bool:
    with step("cdk bootstrap, cdk deploy"):
        outputs = cloud.deploy()
    ended = _load(cloud, outputs, samples)
    for name, execution in ended.items():
        console.print(f"\n[bold]{name}[/] {execution.status} {execution.error}")
        console.print(JSON(json.dumps(execution.response)), soft_wrap=True)
    loaded = [name for name, execution in ended.items() if execution.status == "SUCCEEDED"]
    if loaded:
        with step("reading every point back"):
            compared = {name: _compare(cloud, name, samples[name]) for name in loaded}
        _print_comparisons(compared)
    return loaded == list(ended) and all(found.equal for found in compared.values())


def _load(cloud: LocalCloud, outputs: Mapping[str, str], samples: Mapping[str, Sample]) -> dict[str, Execution]:
    """Put the files into the bucket and watch what that starts; the ends, by dataset."""
    s3, dataset_of_key = cloud.client("s3"), {sample.key: name for name, sample in samples.items()}
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as progress:
        tasks = {key: progress.add_task(f"{name}: uploading", total=1) for key, name in dataset_of_key.items()}

        def show(execution: Execution) -> None:
            said = execution.status if execution.ended else execution.state
            name = dataset_of_key[execution.key]
            progress.update(tasks[execution.key], description=f"{name}: {said}", completed=execution.ended)

        for sample in samples.values():
            s3.upload_file(str(sample.path), outputs["SourceBucketName"], sample.key)
        sfn, machine = cloud.client("stepfunctions"), outputs["StateMachineArn"]
        ended = wait_for_all(sfn, machine, dataset_of_key, timeout_s=LOAD_TIMEOUT_S, observe=show)
    return {name: ended[key] for key, name in dataset_of_key.items()}


def _compare(cloud: LocalCloud, dataset: str, sample: Sample) -> Comparison:
    influx = cloud.influx
    return compare(sample.path, DATASETS[dataset], url=influx.url, bucket=influx.bucket, token=influx.token)


def _print_comparisons(compared: Mapping[str, Comparison]) -> None:
    table = Table("dataset", "points in the file", "points in InfluxDB", "differing", "result", title="read back")
    for name, found in compared.items():
        result = "[green]equal[/]" if found.equal else "[red]NOT EQUAL[/]"
        table.add_row(name, f"{found.expected:,}", f"{found.read_back:,}", f"{found.differing_points:,}", result)
    console.print(table)
    for name, found in compared.items():
        for difference in found.differences:
            console.print(f"[red]{name}:[/] {difference}")


def main() -> None:
    """Run the command."""
    with tidy_end():
        typer.run(demo)


if __name__ == "__main__":
    main()
