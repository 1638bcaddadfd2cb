"""`loader load`: load one file, and wait for the result."""

from typing import Annotated

import typer
from botocore.exceptions import ClientError

from cli.deployed.executions import Execution, start_execution, wait_for_end, wait_for_start
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from cli.load_result import exit_status, show_result
from cli.options import AsJson, DatasetName, Stack, Target
from cli.output import console, detach_on_interrupt, progress, show_json
from cli.targets import LocalFile, S3Object, parse_target
from shared.file_keys import reason_to_skip
from shared.settings import STACK_NAME

ARRIVAL_S = 60
"""How long an upload may take to start its execution."""
Force = Annotated[bool, typer.Option("--force", help="Load the object even if the ledger says that it is loaded.")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the load ends.")]
Timeout = Annotated[
    int, typer.Option("--timeout", metavar="SECONDS", help="Stop waiting after SECONDS; the load continues.", min=1)
]


def load(
    target: Target,
    *,
    dataset: DatasetName = "",
    force: Force = False,
    wait: Wait = True,
    timeout: Timeout = 6 * 3600,
    stack: Stack = STACK_NAME,
    as_json: AsJson = False,
) -> None:
    """Load one file into InfluxDB and print the result.

    Uploads FILE to the source bucket, which starts a load, or starts a load of an object that is already there.
    Ctrl-C stops waiting; the load continues.
    """
    source, deployment = parse_target(target, dataset), Deployment(stack)
    arn = _start(deployment, source, force=force)
    if not wait:
        show_json({"execution": arn}) if as_json else console.print(arn, soft_wrap=True)
        return
    execution = _wait_for_result(deployment, arn, timeout_s=timeout)
    if as_json:
        show_json(execution.response)
    else:
        show_result(deployment, execution.message, execution.load_data, arn.rpartition(":")[2])
    raise typer.Exit(exit_status(execution))


def _start(deployment: Deployment, source: LocalFile | S3Object, *, force: bool) -> str:
    """Start the load and return the ARN of its execution.

    `force` matters only for an object in S3: an upload creates a new version, which the ledger does not have.
    """
    if isinstance(source, LocalFile):
        return _upload(deployment, source)
    return _request_load(deployment, source, force=force)


def _wait_for_result(deployment: Deployment, arn: str, *, timeout_s: float) -> Execution:
    """Wait until the execution ends, and show which state it is in. Raises TimeoutError."""
    message = f"The load is still running. To see its result, run:  loader show {arn.rpartition(':')[2]}"
    with detach_on_interrupt(message), progress() as bar:
        task = bar.add_task("starting", total=None)
        return wait_for_end(
            deployment.stepfunctions,
            arn,
            timeout_s=timeout_s,
            observe=lambda execution: bar.update(task, description=execution.state or "starting"),
        )


def _upload(deployment: Deployment, file: LocalFile) -> str:
    """Upload the file and return the ARN of the execution that its arrival starts.

    Raises:
        RefusedError: The loader would skip the file.
        TimeoutError: No execution started.
    """
    if reason := reason_to_skip(file.key) or ("" if file.path.stat().st_size else "an empty file"):
        raise RefusedError(f"{file.path} was not uploaded, because it would not be loaded: {reason}")
    with progress() as bar:
        task = bar.add_task(f"uploading {file.path.name}", total=file.path.stat().st_size)
        deployment.s3.upload_file(
            str(file.path), deployment.source_bucket, file.key, Callback=lambda sent: bar.advance(task, sent)
        )
        version = deployment.s3.head_object(Bucket=deployment.source_bucket, Key=file.key).get("VersionId", "")
        bar.update(task, description="waiting for the load to start", total=None)
        return wait_for_start(deployment.stepfunctions, deployment.machine, file.key, version, timeout_s=ARRIVAL_S)


def _request_load(deployment: Deployment, source: S3Object, *, force: bool) -> str:
    """Start an execution for an object in the source bucket, and return its ARN.

    The object is checked first, so that a mistyped key does not become a failed load.
    """
    deployment.check_source(source.bucket)
    try:
        deployment.s3.head_object(Bucket=source.bucket, Key=source.key)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        raise NotFoundError(f"{source.address} does not exist: check the key (aws s3 ls)") from error
    event = {"bucket": source.bucket, "key": source.key, "force": force}
    return start_execution(deployment.stepfunctions, deployment.machine, event)
