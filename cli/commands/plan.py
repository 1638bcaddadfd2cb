"""`loader plan`: show what a load of a file would do, without writing anything.

`_Planner` plans each file: `_plan` runs the conversion on this machine, and `_read_state` asks the deployment what it
knows: its release, the object that has the key now, and the InfluxDB bucket.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.deployed.buckets import Buckets, read_buckets
from cli.deployed.declarations import local_declarations, use_deployed_datasets
from cli.deployed.objects import find_object
from cli.deployed.release import compare_release
from cli.deployed.slots import Slots
from cli.deployed.stack import Deployment
from cli.options import AsJson, DatasetName, Stack, Targets
from cli.output import progress, quantity, show_json
from cli.plan_result import DeployedState, plan_content, show_plan
from cli.sources import Source, assign_keys, find_files, name_of
from cli.targets import LocalFile, S3Object
from shared.events import PlannedFile
from shared.file_keys import FileRule
from shared.settings import CONVERSION_MEMORY_MIB, MEMORY_VARIABLE, STACK_NAME, file_rule

if TYPE_CHECKING:
    from cli.dry_run import Plan

Detached = Annotated[
    bool,
    typer.Option(
        "--detached", help="Use the settings of this environment, such as MAX_BATCH_SIZE, instead of a deployment's."
    ),
]
NO_BUCKET = "SOURCE-BUCKET"
"""Stands for the name of the source bucket in messages, if there is no deployment."""


def plan(
    targets: Targets,
    *,
    dataset: DatasetName = "",
    stack: Stack = STACK_NAME,
    detached: Detached = False,
    as_json: AsJson = False,
) -> None:
    """Show what a load of files would do, without writing anything.

    Converts the files on this machine, with the code of this release and the settings of the deployed loader. Warns if
    the deployed code differs. Without a datasets.toml, uses the datasets of the deployment.
    """
    deployment = Deployment(stack)
    files = find_files(targets, FileRule if detached else lambda: _file_rule(deployment))
    declarations = local_declarations() if detached else use_deployed_datasets(deployment)
    sources = assign_keys(files, dataset)
    planner = _Planner(deployment, detached=detached)
    contents, failed = [], False
    for number, source in enumerate(sources, start=1):
        result, state = planner.plan(source, f"file {number:,} of {len(sources):,}: " if len(sources) > 1 else "")
        state = state._replace(declarations=declarations)
        contents.append(plan_content(result, state))
        failed = failed or bool(result.error)
        if not as_json:
            show_plan(result, state, name_of(source))
    if as_json:
        show_json(_content(sources, contents))
    raise typer.Exit(1 if failed else 0)


def _content(sources: Sequence[Source], contents: Sequence[dict[str, Any]]) -> object:
    """Return the plan of one file, or a list of those of several, each with the name of its file."""
    if len(contents) == 1:
        return contents[0]
    return [{"source": name_of(source), **content} for source, content in zip(sources, contents, strict=True)]


def _file_rule(deployment: Deployment) -> FileRule:
    return file_rule(deployment.conversion_environment())


class _Planner:
    """Plans the loads of several files with the same deployment, whose InfluxDB buckets are read once, when needed."""

    def __init__(self, deployment: Deployment, *, detached: bool) -> None:
        self._deployment, self._detached = deployment, detached
        self._read = cache(lambda: Buckets() if detached else read_buckets(deployment))

    def plan(self, source: Source, label: str) -> "tuple[Plan, DeployedState]":
        """Return the plan of one file, and what the deployment knows about it."""
        result = _plan(source, self._deployment, self._read, label, detached=self._detached)
        if self._detached:
            return result, DeployedState()
        state = _read_state(self._deployment, source, self._read)
        if isinstance(source, S3Object) and not result.error:
            newer = Slots(self._deployment).newer_revision(source.key)
            if reason := _reason_to_skip(state) or (f"older revision than {newer}" if newer else ""):
                result = replace(result, skipped=reason)
        return result, state


def _read_state(deployment: Deployment, source: Source, read: Callable[[], Buckets]) -> DeployedState:
    """Return what the deployment knows about its release, and about the object that has the key now."""
    stored = None
    if isinstance(source, LocalFile) or source.bucket == deployment.source_bucket:
        stored = find_object(deployment, source.key)
    entry = stored.entry if stored else None
    bucket = read().check(entry.dataset, entry.bucket_id) if entry and entry.status == "loaded" else None
    return DeployedState(compare_release(deployment), stored, bucket)


def _reason_to_skip(state: DeployedState) -> str:
    """Return why a load of the object would be skipped; "" if the ledger allows it."""
    entry = state.stored.entry if state.stored else None
    if entry and entry.status == "loaded":
        return "already loaded (`loader load` loads it again with --force)"
    if entry and entry.status == "undone":
        return "undone (`loader load` loads it again with --force)"
    return "already being loaded" if entry and entry.lease_until and not entry.abandoned(datetime.now(UTC)) else ""


def _plan(source: Source, deployment: Deployment, read: Callable[[], Buckets], label: str, *, detached: bool) -> "Plan":
    # This import loads pyarrow, which takes half a second that other commands need not spend.
    from cli import dry_run  # noqa: PLC0415

    default = {MEMORY_VARIABLE: str(CONVERSION_MEMORY_MIB)}
    environment = default | dict(os.environ) if detached else deployment.conversion_environment()
    with progress() as bar:
        task = bar.add_task(f"{label}reading the footer", total=None)

        def show_rows(file: PlannedFile) -> None:
            bar.update(task, total=file["rows"] or 1, description=f"{label}converting {quantity(file['rows'], 'row')}")

        return dry_run.plan(
            source,
            client=deployment.s3,
            bucket=NO_BUCKET if detached else deployment.source_bucket,
            environment=environment,
            on_file=show_rows,
            on_chunk=lambda points: bar.advance(task, points),
            shard_seconds=lambda dataset: read().shard_seconds.get(dataset.name),
        )
