"""`loader backfill`: load every file under a prefix, or of a manifest, that is not loaded yet.

`backfill` starts an execution of the backfill state machine (`_start`, `_start_manifest`) or takes a running one
(`_find`), watches it, and prints its result, or stops it (`_stop`).
"""

from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from cli.backfill_result import backfill_exit_status, show_backfill
from cli.close_matches import only_match, suggestion
from cli.completion import complete_prefix
from cli.deployed.executions import find_execution, start_execution
from cli.deployed.objects import suggest_key
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from cli.options import AsJson, Stack
from cli.output import console, show_json
from cli.targets import parse_prefix, read_manifest
from cli.watching import watch_backfill
from shared.settings import STACK_NAME
from shared.work_bucket import file_manifest_key

MAX_RECENT = 1_000
"""How many of the last backfills to look at for the first characters of a name."""

Target = Annotated[
    str,
    typer.Argument(
        metavar="PREFIX|s3://BUCKET/PREFIX",
        help="Load the files whose keys start with PREFIX.",
        autocompletion=complete_prefix,
    ),
]
Manifest = Annotated[
    Path | None,
    typer.Option(
        "--manifest",
        metavar="FILE",
        help="Load the files that FILE names: one key, or s3://BUCKET/KEY, in each line.",
        exists=True,
        dir_okay=False,
    ),
]
Follow = Annotated[
    str, typer.Option("--follow", metavar="EXECUTION", help="Watch this backfill instead of starting one.")
]
Stop = Annotated[
    str, typer.Option("--stop", metavar="EXECUTION", help="Stop this backfill. Loads that are running continue.")
]
MaxConcurrency = Annotated[
    int | None,
    typer.Option(
        "--max-concurrency", metavar="FILES", help="How many files to load concurrently; 4 if omitted.", min=1
    ),
]
Tolerated = Annotated[
    float | None,
    typer.Option(
        "--max-failures",
        metavar="PERCENT",
        help="Stop when more than this percentage of the files fails; 10 if omitted.",
        min=0,
        max=100,
    ),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Load all files again, for example after a backup of InfluxDB was restored to an earlier state."
    ),
]
AllRevisions = Annotated[
    bool,
    typer.Option(
        "--all-revisions",
        help='Do not leave out older revisions of datasets with revisions = "replace". Those that a newer revision '
        "has replaced are skipped.",
    ),
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the backfill ends.")]


def backfill(
    target: Target = "",
    *,
    manifest: Manifest = None,
    max_concurrency: MaxConcurrency = None,
    tolerated_failure_percentage: Tolerated = None,
    force: Force = False,
    all_revisions: AllRevisions = False,
    wait: Wait = True,
    follow: Follow = "",
    stop: Stop = "",
    stack: Stack = STACK_NAME,
    as_json: AsJson = False,
) -> None:
    """Load every file under a prefix that is not loaded yet, or whose InfluxDB bucket was replaced since.

    With --manifest, loads the files that a list names, for example the current files of a Delta or Iceberg table.
    Prints the files that are not loaded afterwards, and why. Stops when more than --max-failures percent of the files
    fail. Ctrl-C stops watching; the backfill continues.
    """
    if sum(map(bool, (target, manifest, follow, stop))) != 1:
        raise RefusedError(
            "specify the files to load (PREFIX, s3://BUCKET/PREFIX, or --manifest FILE), or a backfill to --follow or "
            "--stop"
        )
    deployment = Deployment(stack)
    if stop:
        _stop(deployment, stop, as_json=as_json)
        return
    options = {
        "max_concurrency": max_concurrency,
        "tolerated_failure_percentage": tolerated_failure_percentage,
        "force": force or None,
        "all_revisions": all_revisions or None,
    }
    if follow:
        arn = _find(deployment, follow)
    elif manifest:
        arn = _start_manifest(deployment, manifest, options)
    else:
        arn = _start(deployment, target, options)
    if wait:
        execution = watch_backfill(deployment, arn)
        show_json(execution.response) if as_json else show_backfill(deployment, execution)
        raise typer.Exit(backfill_exit_status(execution))
    show_json({"execution": arn}) if as_json else console.print(arn, soft_wrap=True)


def _start(deployment: Deployment, target: str, options: dict[str, float | None]) -> str:
    """Start a backfill and return its ARN. Raises NotFoundError if there are no objects under the prefix."""
    prefix = parse_prefix(target, deployment.source_bucket)
    deployment.check_source(prefix.bucket)
    if not deployment.s3.list_objects_v2(Bucket=prefix.bucket, Prefix=prefix.prefix, MaxKeys=1)["KeyCount"]:
        matches = suggest_key(deployment, prefix.prefix)
        raise NotFoundError(f"no objects under {prefix.address}{matches}: check the prefix (aws s3 ls)")
    return _start_backfill(deployment, {"bucket": prefix.bucket, "prefix": prefix.prefix}, options)


def _start_manifest(deployment: Deployment, path: Path, options: dict[str, float | None]) -> str:
    """Store the keys of a manifest where ListFiles reads them, start a backfill of them, and return its ARN."""
    bucket, keys = read_manifest(path, deployment.source_bucket)
    deployment.check_source(bucket)
    content = "\n".join(keys).encode()
    manifest = file_manifest_key(sha256(content).hexdigest()[:32])
    deployment.put_work_object(manifest, content)
    return _start_backfill(deployment, {"bucket": bucket, "prefix": "", "manifest": manifest}, options)


def _start_backfill(deployment: Deployment, files: dict[str, str], options: dict[str, float | None]) -> str:
    overrides = {name: value for name, value in options.items() if value is not None}
    return start_execution(deployment.stepfunctions, deployment.backfill_machine, {**files, **overrides})


def _find(deployment: Deployment, execution: str) -> str:
    """Return the ARN of a backfill, by its name, the first characters of it, or its ARN. Raises NotFoundError."""
    client, machine = deployment.stepfunctions, deployment.backfill_machine
    if backfill := find_execution(client, machine, execution):
        return backfill.arn
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine)
    recent = islice((item for page in pages for item in page["executions"]), MAX_RECENT)
    arns = {item["name"]: item["executionArn"] for item in recent}
    if arn := only_match(execution, arns, "backfills"):
        return arn
    raise NotFoundError(
        f"no backfill named {execution!r}{suggestion(execution, arns)}: `aws stepfunctions list-executions "
        f"--state-machine-arn {machine}` lists them"
    )


def _stop(deployment: Deployment, execution: str, *, as_json: bool) -> None:
    arn = _find(deployment, execution)
    deployment.stepfunctions.stop_execution(executionArn=arn)
    if as_json:
        show_json({"execution": arn, "status": "ABORTED"})
        return
    console.print(
        "Stopped. Loads that are running continue to their end. To load the remaining files, run `loader backfill` "
        "with the same prefix again."
    )
