"""`loader backfill`: load every file under a prefix that is not loaded yet."""

import json
from typing import Annotated, Any

import typer
from rich.progress import Progress, TaskID
from rich.text import Text

from cli.advice import RUNBOOK, show_remedies
from cli.deployed.executions import ABSENT, Counts, Execution, counts_of, execution_arn, wait_for_end
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from cli.options import AsJson, Stack
from cli.output import console, detach_on_interrupt, facts, progress, show_json, status
from cli.targets import parse_prefix
from shared.ledger import object_name
from shared.settings import STACK_NAME

POLL_S = 2
"""Each look is four requests, and Step Functions throttles them."""
TIMEOUT_S = 90 * 24 * 3600
"""As long as a backfill may take."""

Target = Annotated[str, typer.Argument(metavar="PREFIX|s3://BUCKET/PREFIX", help="all files whose keys begin so")]
Follow = Annotated[str, typer.Option("--follow", metavar="EXECUTION", help="follow this backfill, and begin none")]
Stop = Annotated[str, typer.Option("--stop", metavar="EXECUTION", help="stop this backfill; what it loads goes on")]
MaxConcurrency = Annotated[int | None, typer.Option("--max-concurrency", help="loads at once (4)", min=1)]
Tolerated = Annotated[
    float | None,
    typer.Option("--tolerated-failure-percentage", help="give up when more of the files fail (10)", min=0, max=100),
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="follow the backfill to its end")]


def backfill(
    target: Target = "",
    *,
    max_concurrency: MaxConcurrency = None,
    tolerated_failure_percentage: Tolerated = None,
    wait: Wait = True,
    follow: Follow = "",
    stop: Stop = "",
    stack: Stack = STACK_NAME,
    as_json: AsJson = False,
) -> None:
    """Load every file under a prefix that is not loaded yet, and name those that cannot be."""
    if sum(map(bool, (target, follow, stop))) != 1:
        raise RefusedError(
            "say what to load (PREFIX or s3://BUCKET/PREFIX), or which backfill to --follow or to --stop"
        )
    deployment = Deployment(stack)
    if stop:
        _stop(deployment, stop)
        return
    limits = {"max_concurrency": max_concurrency, "tolerated_failure_percentage": tolerated_failure_percentage}
    arn = _known(deployment, follow) if follow else _begun(deployment, target, limits)
    if wait:
        _tell(deployment, _followed(deployment, arn), as_json=as_json)
    else:
        show_json({"execution": arn}) if as_json else console.print(arn, soft_wrap=True)


def _tell(deployment: Deployment, ended: Execution, *, as_json: bool) -> None:
    """And exit: with 0 if everything is loaded."""
    if as_json:
        show_json(ended.response)
    else:
        show_backfill(deployment, ended)
    raise typer.Exit(0 if ended.status == "SUCCEEDED" and not ended.response["data"]["not_loaded"] else 1)


def _begun(deployment: Deployment, target: str, limits: dict[str, float | None]) -> str:
    """The ARN of its execution. Raises RefusedError where there is nothing to load."""
    prefix = parse_prefix(target, deployment.source_bucket)
    deployment.check_source(prefix.bucket)
    if not deployment.s3.list_objects_v2(Bucket=prefix.bucket, Prefix=prefix.prefix, MaxKeys=1)["KeyCount"]:
        raise NotFoundError(f"there is nothing under {prefix.address}")
    given = {name: limit for name, limit in limits.items() if limit is not None}
    asked = {"bucket": prefix.bucket, "prefix": prefix.prefix, **given}
    started = deployment.stepfunctions.start_execution(
        stateMachineArn=deployment.backfill_machine, input=json.dumps(asked)
    )
    return started["executionArn"]


def _known(deployment: Deployment, execution: str) -> str:
    """Its ARN, by name or ARN. Raises NotFoundError."""
    client, arn = deployment.stepfunctions, execution_arn(deployment.backfill_machine, execution.rpartition(":")[2])
    try:
        client.describe_execution(executionArn=arn)
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
        raise NotFoundError(f"no backfill is called {execution!r}") from error
    return arn


def _stop(deployment: Deployment, execution: str) -> None:
    deployment.stepfunctions.stop_execution(executionArn=_known(deployment, execution))
    console.print(
        "stopped; files that are being loaded are loaded to their end, and a new backfill begins where it ended"
    )


def _followed(deployment: Deployment, arn: str) -> Execution:
    """Its end; Ctrl-C only ends the following."""
    name, client = arn.rpartition(":")[2], deployment.stepfunctions
    again = (
        f"The backfill goes on.\nfollow it:  loader backfill --follow {name}\nstop it:    loader backfill --stop {name}"
    )
    with detach_on_interrupt(again), progress() as bar:
        task = bar.add_task("listing files", total=None)
        return wait_for_end(
            client,
            arn,
            timeout_s=TIMEOUT_S,
            every_s=POLL_S,
            observe=lambda _: _advance(bar, task, counts_of(client, arn)),
        )


def _advance(bar: Progress, task: TaskID, counts: Counts | None) -> None:
    """Objects that are no files, and files that are loaded already, are done at once."""
    if counts:
        said = f"{counts.done:,} of {counts.total:,} files, {counts.running} at once"
        said += f", [red]{counts.failed:,} failed[/]" if counts.failed else ""
        bar.update(task, description=said, completed=counts.done, total=counts.total)


def show_backfill(deployment: Deployment, execution: Execution) -> None:
    """How many files are loaded; each other one that the answer names, why it is not, and what to do."""
    data = execution.response.get("data")
    if data is None:
        console.print(status(execution.status).append(f"  {execution.response.get('message', '')}", "default"))
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
