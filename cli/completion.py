"""Values that a shell completes: datasets, the IDs of recent loads, and the folders and files of the source bucket.

The shell runs `loader` for each press of the Tab key, so they make few and short requests, and any problem, such as
missing credentials, is no completion instead of an error in the middle of a command line.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import typer

from shared.datasets import DATASETS
from shared.errors import SettingsError
from shared.settings import STACK_NAME

if TYPE_CHECKING:
    from cli.deployed.stack import Deployment

MAX_LOADS, MAX_KEYS = 200, 100
"""How many of the last loads, and of the keys, to look at."""

TIMEOUT_S = 2

FOLDER = "folder"

Completions = list[tuple[str, str]]
"""Values with their descriptions."""


def complete_load(context: typer.Context, incomplete: str) -> Completions:
    """Return the recent loads whose IDs start with `incomplete`, each with its status, age, and file."""
    return _quietly(_loads, context, incomplete)


def complete_prefix(context: typer.Context, incomplete: str) -> Completions:
    """Return the next folders and the files whose keys start with `incomplete`.

    The content of a folder that is the only one is also returned: after a single completion, shells add a space.
    """
    return _quietly(_keys, context, incomplete)


def complete_object(context: typer.Context, incomplete: str) -> Completions:
    """Return objects of the source bucket for an address; nothing for a file of this machine, which shells complete."""
    return complete_prefix(context, incomplete) if incomplete.startswith("s3:") else []


def complete_load_or_prefix(context: typer.Context, incomplete: str) -> Completions:
    """Return loads, then prefixes."""
    return [*complete_load(context, incomplete), *complete_prefix(context, incomplete)]


def complete_dataset(incomplete: str) -> list[str]:
    """Return the datasets that are declared on this machine and whose names start with `incomplete`."""
    try:
        return [name for name in DATASETS if name.startswith(incomplete)]
    except SettingsError:
        return []


def _quietly(
    complete: Callable[[str, str], Iterator[tuple[str, str]]], context: typer.Context, incomplete: str
) -> Completions:
    try:
        _limit_requests()
        return list(complete(context.params.get("stack") or STACK_NAME, incomplete))
    except Exception:  # noqa: BLE001 - nobody can act on an error while typing
        return []


def _limit_requests() -> None:
    """Let every client of this process, which only completes, give up early."""
    # boto3 takes 0.3 s to import, which every other command line need not spend.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415
    from botocore.session import Session  # noqa: PLC0415

    session = Session()
    limits = Config(connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retries={"total_max_attempts": 1})
    session.set_default_client_config(limits)
    boto3.setup_default_session(botocore_session=session)


def _loads(stack: str, incomplete: str) -> Iterator[tuple[str, str]]:
    from cli.deployed.ledger import Filter, entries  # noqa: PLC0415
    from cli.deployed.stack import Deployment  # noqa: PLC0415
    from cli.moments import ago  # noqa: PLC0415

    now = datetime.now(UTC)
    for entry in islice(entries(Deployment(stack), Filter()), MAX_LOADS):
        if entry.load_id and entry.load_id.startswith(incomplete):
            value = entry.load_id[: max(8, len(incomplete))]
            yield value, f"{entry.status} {ago(entry.changed_at, now)} {entry.object.partition('/dataset=')[2]}"


def _keys(stack: str, incomplete: str) -> Iterator[tuple[str, str]]:
    from cli.deployed.stack import Deployment  # noqa: PLC0415

    deployment = Deployment(stack)
    address = f"s3://{deployment.source_bucket}/"
    is_address = incomplete.startswith("s3:")
    start, prefix = (address, incomplete[len(address) :]) if is_address else ("", incomplete)
    if is_address and not f"{address}{prefix}".startswith(incomplete):
        return
    children = _children(deployment, prefix)
    if len(children) == 1 and children[0][1] == FOLDER:
        children += _children(deployment, children[0][0])
    yield from ((f"{start}{key}", kind) for key, kind in children)


def _children(deployment: "Deployment", prefix: str) -> Completions:
    """Return the folders and files that are next after a prefix."""
    reply = deployment.s3.list_objects_v2(
        Bucket=deployment.source_bucket, Prefix=prefix, Delimiter="/", MaxKeys=MAX_KEYS
    )
    folders = [(folder["Prefix"], FOLDER) for folder in reply.get("CommonPrefixes", [])]
    return [*folders, *((item["Key"], "file") for item in reply.get("Contents", []))]
