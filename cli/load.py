"""`loader load`: put a file where the loader finds it, or ask for an object that is there, and follow the load."""

import json
from typing import Annotated

import typer

from cli.answers import show_answer
from cli.deployment import STACK, Deployment
from cli.executions import Execution, arrival, watch
from cli.options import AsJson, DatasetName, Stack, Target
from cli.screen import console, progress, show_json
from cli.targets import LocalFile, S3Object, target_of

ARRIVAL_S = 60
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="follow the load to its end")]
Timeout = Annotated[int, typer.Option("--timeout", help="seconds to follow it; it goes on without us", min=1)]


def load(
    target: Target,
    *,
    dataset: DatasetName = "",
    wait: Wait = True,
    timeout: Timeout = 6 * 3600,
    stack: Stack = STACK,
    as_json: AsJson = False,
) -> None:
    """Load a file into InfluxDB and tell what became of it."""
    source, deployment = target_of(target, dataset), Deployment(stack)
    arn = _uploaded(deployment, source) if isinstance(source, LocalFile) else _asked_for(deployment, source)
    if not wait:
        show_json({"execution": arn}) if as_json else console.print(arn, soft_wrap=True)
        return
    execution = follow_to_end(deployment, arn, timeout_s=timeout)
    if as_json:
        show_json(execution.answer)
    else:
        show_answer(deployment, execution.answer, arn.rpartition(":")[2])
    raise typer.Exit(0 if execution.status == "SUCCEEDED" else 1)


def follow_to_end(deployment: Deployment, arn: str, *, timeout_s: float) -> Execution:
    """Name the states as the execution goes through them. Raises TimeoutError."""
    with progress() as bar:
        task = bar.add_task("starting", total=None)
        return watch(
            deployment.stepfunctions,
            arn,
            timeout_s=timeout_s,
            seen=lambda execution: bar.update(task, description=execution.state or "starting"),
        )


def _uploaded(deployment: Deployment, file: LocalFile) -> str:
    """The ARN of the execution that the upload started."""
    with progress() as bar:
        task = bar.add_task(f"uploading {file.path.name}", total=file.path.stat().st_size)
        deployment.s3.upload_file(
            str(file.path), deployment.source_bucket, file.key, Callback=lambda sent: bar.advance(task, sent)
        )
    version = deployment.s3.head_object(Bucket=deployment.source_bucket, Key=file.key)["VersionId"]
    return arrival(deployment.stepfunctions, deployment.machine, file.key, version, timeout_s=ARRIVAL_S)


def _asked_for(deployment: Deployment, source: S3Object) -> str:
    started = deployment.stepfunctions.start_execution(
        stateMachineArn=deployment.machine, input=json.dumps({"bucket": source.bucket, "key": source.key})
    )
    return started["executionArn"]
