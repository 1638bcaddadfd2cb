"""The handler of states PinSource and ValidateSchema.

`_pin_source` chooses the version to load. `_validate_schema` runs after the version is claimed, and again after each
wait for an older version: `plan_load` checks whose turn it is, and `plan_file` reads the footer and plans the parts.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from io import IOBase
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.validate_schema.footer import read_footer, row_group_rows
from functions.validate_schema.integer_range import integer_range
from functions.validate_schema.parts import plan_parts
from functions.validate_schema.pin import pin_source
from functions.validate_schema.slot_turn import slot_turn
from functions.validate_schema.table_search import find_table
from functions.validate_schema.turn import ITS_TURN, Turn, turn
from shared.aws_clients import s3_client
from shared.dataset_keys import dataset_of
from shared.errors import SchemaMismatchError
from shared.events import FileRef, LoadState, PlannedFile, SourceFile, Span
from shared.ledger import LedgerItem, version_items
from shared.logs import load_keys, log_invocations, logger
from shared.plausible_times import time_limits
from shared.requested_object import requested_object
from shared.schema import plan_columns
from shared.schema_findings import Clues
from shared.settings import conversion_settings
from shared.slots import replacing_dataset
from shared.source import PinnedObject
from shared.state_calls import PinCall, read_call
from shared.times import span_since, utc_ms
from shared.work_bucket import findings_key, put_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@log_invocations
def lambda_handler(event: PinCall | LoadState, context: LambdaContext) -> FileRef:  # noqa: ARG001
    """Pin the object, or plan its load, depending on the state that calls."""
    call = read_call(event, lambda load: "ValidateSchema" if "file" in load else "PinSource")
    run = {"PinSource": _pin_source, "ValidateSchema": _validate_schema}[call["state"]]
    return run(s3_client(), call["input"], datetime.now(UTC))


def _pin_source(client: "S3Client", load: LoadState, now: datetime) -> FileRef:
    file = pin_source(client, requested_object(load["event"]), now)
    logger.append_keys(**load_keys({"file": file}))
    return {**file, "ran": {"PinSource": span_since(now)}}


def _validate_schema(client: "S3Client", load: LoadState, now: datetime) -> FileRef:
    """Plan the load. Store all findings of a SchemaMismatchError, whose message has room for only some of them."""
    try:
        file = plan_load(client, load["file"], now)
    except SchemaMismatchError as error:
        put_json(
            client, findings_key(load["execution"]["name"]), {"findings": error.findings, "columns": error.columns}
        )
        raise
    return {**file, "ran": {**_add_wait(load["file"], now), "ValidateSchema": span_since(now)}}


def _add_wait(file: FileRef, now: datetime) -> dict[str, Span]:
    """Return the earlier spans, with the wait that ends now, if any. Waits share one span, to keep the state small."""
    ran = file.get("ran", {})  # an earlier release recorded no spans
    if not file["not_before"] or "ValidateSchema" not in ran:
        return ran
    first = ran.get("WaitForOlder", {"started_at": ran["ValidateSchema"]["ended_at"]})
    return {**ran, "WaitForOlder": {"started_at": first["started_at"], "ended_at": utc_ms(now)}}


def plan_load(client: "S3Client", file: FileRef, now: datetime) -> FileRef:
    """Return the file with its plan if it is this version's turn, otherwise with the reason to skip it or to wait."""
    versions = list(version_items(file["claim"]["object"]))
    its_turn = _turn(client, file, versions, now)
    file = {
        **file,
        "skipped": its_turn.skipped,
        "not_before": its_turn.not_before,
        "has_other_versions": len(versions) > 1,
        "may_replace": _may_replace(file, versions),
    }
    if its_turn != ITS_TURN:
        return file
    source, validate = PinnedObject(client, file), conversion_settings().validate
    plan = plan_file(source, file, validate=validate, last_modified=file["claim"]["last_modified"])
    table = find_table(client, file["bucket"], file["key"], now.date())
    return {**file, **plan, "table": table}


def _may_replace(file: FileRef, versions: Sequence[LedgerItem]) -> bool:
    """Return whether a load may replace another version, an earlier load of the same version, or an older revision.

    An earlier load that failed may have written points that this one does not have.
    """
    claim = file["claim"]
    own = next((item for item in versions if item["version"] == claim["version"]), None)
    had_attempts = own is not None and (int(own.get("tries", 1)) > 1 or bool(own.get("footprint")))
    return len(versions) > 1 or claim["force"] or had_attempts or replacing_dataset(file["dataset"]) is not None


def _turn(client: "S3Client", file: FileRef, versions: Sequence[LedgerItem], now: datetime) -> Turn:
    """Return whether it is the turn of this version of the object, and then of its revision of the slot."""
    claim = file["claim"]
    of_version = ITS_TURN if claim["force"] else turn(claim["version"], versions, now)
    return of_version if of_version != ITS_TURN else slot_turn(client, file, now)


def plan_file(source: IOBase, file: SourceFile, *, validate: bool, last_modified: int) -> PlannedFile:
    """Check the footer and the columns of a file, and plan its parts.

    Args:
        source: The content of the file.
        file: The pinned object.
        validate: Check that the required columns exist.
        last_modified: When the object was last modified, in seconds since 1970.

    Raises:
        DataError: The file is damaged or encrypted, or its columns do not fit the dataset.
    """
    dataset = dataset_of(file["key"])
    footer = read_footer(source, f"s3://{file['bucket']}/{file['key']}")
    clues = Clues(
        key=file["key"],
        limits=time_limits(dataset, last_modified),
        integer_range=partial(integer_range, footer.metadata),
    )
    columns = plan_columns(footer.schema, dataset, validate=validate, clues=clues)
    parts = plan_parts(row_group_rows(footer.metadata))
    parts = [{**part, "last_modified": last_modified, "file_parts": len(parts)} for part in parts]
    return {**file, "layout": columns.layout, "rows": footer.metadata.num_rows, "parts": parts}
