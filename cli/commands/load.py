"""`loader load`: load files, and wait for the results.

Before the first upload, `assign_keys` and `_check_upload` make sure that no file replaces another one, or an object
in the source bucket, unless the operator agrees. `_start_all` starts the loads, and `watch_loads` waits for their
results.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from cli.deployed.declarations import use_deployed_datasets
from cli.deployed.executions import start_execution, wait_for_start
from cli.deployed.objects import find_object, suggest_key
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from cli.load_result import show_result, worst_exit_status
from cli.options import AsJson, DatasetName, Stack, Targets
from cli.output import confirm, console, detach_on_interrupt, progress, quantity, show_json
from cli.sources import Source, assign_keys, find_files
from cli.targets import LocalFile, S3Object
from cli.watching import how_to_watch, watch_loads
from shared.file_keys import reason_to_skip
from shared.settings import STACK_NAME, file_rule

if TYPE_CHECKING:
    from rich.progress import Progress

ARRIVAL_S = 60
"""How long an upload may take to start its execution."""
Force = Annotated[bool, typer.Option("--force", help="Load the object even if the ledger says that it is loaded.")]
Replace = Annotated[bool, typer.Option("--replace", help="Upload FILE even if its key exists, without asking.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the load ends.")]
Timeout = Annotated[
    int, typer.Option("--timeout", metavar="SECONDS", help="Stop waiting after SECONDS; the load continues.", min=1)
]


def load(
    targets: Targets,
    *,
    dataset: DatasetName = "",
    force: Force = False,
    replace: Replace = False,
    wait: Wait = True,
    timeout: Timeout = 6 * 3600,
    stack: Stack = STACK_NAME,
    as_json: AsJson = False,
) -> None:
    """Load files into InfluxDB and print the results.

    Uploads FILE to the source bucket, which starts a load, or starts a load of an object that is already there. Asks
    before it replaces an object. Ctrl-C stops waiting; the loads continue.
    """
    deployment = Deployment(stack)
    files = find_files(targets, lambda: file_rule(deployment.conversion_environment()))
    use_deployed_datasets(deployment)
    sources = assign_keys(files, dataset)
    for source in sources:
        if isinstance(source, LocalFile):
            _check_upload(deployment, source, replace=replace, ask=not as_json, several=len(sources) > 1)
    arns = _start_all(deployment, sources, force=force)
    if wait:
        raise typer.Exit(_show_results(deployment, arns, timeout_s=timeout, as_json=as_json))
    if as_json:
        _show_json([{"execution": arn} for arn in arns])
    else:
        console.print("\n".join(arns), soft_wrap=True)


def _show_results(deployment: Deployment, arns: Sequence[str], *, timeout_s: float, as_json: bool) -> int:
    """Print each result once its load has ended, and return the worst exit status."""
    executions = {}
    for execution in watch_loads(deployment, arns, timeout_s=timeout_s):
        executions[execution.arn] = execution
        if not as_json:
            show_result(deployment, execution.message, execution.load_data, execution.arn.rpartition(":")[2])
    if as_json:
        _show_json([executions[arn].response for arn in arns])
    return worst_exit_status(executions.values())


def _show_json(contents: Sequence[object]) -> None:
    """Print the content for one file, or a list for several."""
    show_json(contents[0] if len(contents) == 1 else contents)


def _check_upload(deployment: Deployment, file: LocalFile, *, replace: bool, ask: bool, several: bool) -> None:
    """Raise RefusedError if the loader would skip the file, or if its key exists and the operator does not agree."""
    rule = file_rule(deployment.conversion_environment())
    if reason := reason_to_skip(file.key, rule) or ("" if file.path.stat().st_size else "an empty file"):
        raise RefusedError(f"{file.path} was not uploaded, because it would not be loaded: {reason}")
    existing = None if replace else find_object(deployment, file.key)
    if existing is None:
        return
    description = f"{existing.address} exists: {existing.describe(datetime.now(UTC))}"
    if not (ask and confirm(f"{description}. Replace it with {file.path}?")):
        nothing = "No file was uploaded" if several else "It was not replaced"
        raise RefusedError(f"{description}. {nothing}: add --replace to replace it, or rename {file.path}")


def _start_all(deployment: Deployment, sources: Sequence[Source], *, force: bool) -> list[str]:
    """Start all loads, with a progress bar for all files and one for the current one, and return their ARNs.

    `force` matters only for an object in S3: an upload creates a new version, which the ledger does not have.
    """
    arns: list[str] = []
    with detach_on_interrupt(lambda: how_to_watch(arns)), progress() as bar:
        total = bar.add_task("files", total=len(sources), visible=len(sources) > 1)
        for number, source in enumerate(sources):
            bar.update(total, completed=number, description=f"{number:,} of {quantity(len(sources), 'file')}")
            if isinstance(source, LocalFile):
                arns.append(_upload(deployment, source, bar))
            else:
                arns.append(_request_load(deployment, source, force=force))
    return arns


def _upload(deployment: Deployment, file: LocalFile, bar: "Progress") -> str:
    """Upload the file and return the ARN of the execution that its arrival starts.

    Raises:
        TimeoutError: No execution started.
    """
    task = bar.add_task(f"uploading {file.path.name}", total=file.path.stat().st_size)
    deployment.s3.upload_file(
        str(file.path), deployment.source_bucket, file.key, Callback=lambda sent: bar.advance(task, sent)
    )
    version = deployment.s3.head_object(Bucket=deployment.source_bucket, Key=file.key).get("VersionId", "")
    bar.update(task, description=f"waiting for the load of {file.path.name} to start", total=None)
    arn = wait_for_start(deployment.stepfunctions, deployment.machine, file.key, version, timeout_s=ARRIVAL_S)
    bar.remove_task(task)
    return arn


def _request_load(deployment: Deployment, source: S3Object, *, force: bool) -> str:
    """Start an execution for an object in the source bucket, and return its ARN.

    The object is checked first, so that a mistyped key does not become a failed load.
    """
    deployment.check_source(source.bucket)
    if find_object(deployment, source.key) is None:
        matches = suggest_key(deployment, source.key)
        raise NotFoundError(f"{source.address} does not exist{matches}: check the key (aws s3 ls)")
    event = {"bucket": source.bucket, "key": source.key, "force": force}
    return start_execution(deployment.stepfunctions, deployment.machine, event)
