"""`loader load`: put a file where the loader finds it, or ask for an object that is there, and follow the load."""

import json
from typing import Annotated

import typer
from botocore.exceptions import ClientError

from cli.deployed.executions import Execution, wait_for_end, wait_for_start
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from cli.load_result import show_response
from cli.options import AsJson, DatasetName, Stack, Target
from cli.output import console, detach_on_interrupt, progress, show_json
from cli.targets import LocalFile, S3Object, parse_target
from shared.file_keys import reason_to_skip
from shared.settings import STACK_NAME

ARRIVAL_S = 60
Force = Annotated[bool, typer.Option("--force", help="load an object that is loaded already")]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="follow the load to its end")]
Timeout = Annotated[int, typer.Option("--timeout", help="seconds to follow it; it goes on without us", min=1)]


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
    """Load a file into InfluxDB and tell what became of it."""
    source, deployment = parse_target(target, dataset), Deployment(stack)
    arn = _begun(deployment, source, force=force)
    if not wait:
        show_json({"execution": arn}) if as_json else console.print(arn, soft_wrap=True)
        return
    execution = follow_to_end(deployment, arn, timeout_s=timeout)
    if as_json:
        show_json(execution.response)
    else:
        show_response(deployment, execution.response, arn.rpartition(":")[2])
    raise typer.Exit(0 if execution.status == "SUCCEEDED" else 1)


def _begun(deployment: Deployment, source: LocalFile | S3Object, *, force: bool) -> str:
    """The ARN of its execution. A file that is uploaded is a new version, which needs no force."""
    if isinstance(source, LocalFile):
        return _uploaded(deployment, source)
    return _asked_for(deployment, source, force=force)


def follow_to_end(deployment: Deployment, arn: str, *, timeout_s: float) -> Execution:
    """Name the states as the execution goes through them. Raises TimeoutError."""
    again = f"The load goes on.\nsee its end:  loader show {arn.rpartition(':')[2]}"
    with detach_on_interrupt(again), progress() as bar:
        task = bar.add_task("starting", total=None)
        return wait_for_end(
            deployment.stepfunctions,
            arn,
            timeout_s=timeout_s,
            observe=lambda execution: bar.update(task, description=execution.state or "starting"),
        )


def _uploaded(deployment: Deployment, file: LocalFile) -> str:
    """The ARN of the execution that the upload started. Raises RefusedError for what starts none."""
    if reason := reason_to_skip(file.key) or ("" if file.path.stat().st_size else "an empty file"):
        raise RefusedError(f"{file.path} would not be loaded: {reason}")
    with progress() as bar:
        task = bar.add_task(f"uploading {file.path.name}", total=file.path.stat().st_size)
        deployment.s3.upload_file(
            str(file.path), deployment.source_bucket, file.key, Callback=lambda sent: bar.advance(task, sent)
        )
        version = deployment.s3.head_object(Bucket=deployment.source_bucket, Key=file.key).get("VersionId", "")
        bar.update(task, description="waiting for its execution", total=None)
        return wait_for_start(deployment.stepfunctions, deployment.machine, file.key, version, timeout_s=ARRIVAL_S)


def _asked_for(deployment: Deployment, source: S3Object, *, force: bool) -> str:
    """Raises RefusedError and NotFoundError, so that a mistyped name is no failed load."""
    deployment.check_source(source.bucket)
    try:
        deployment.s3.head_object(Bucket=source.bucket, Key=source.key)
    except ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        raise NotFoundError(f"s3://{source.bucket}/{source.key} is not there") from error
    asked = {"bucket": source.bucket, "key": source.key, "force": force}
    started = deployment.stepfunctions.start_execution(stateMachineArn=deployment.machine, input=json.dumps(asked))
    return started["executionArn"]
