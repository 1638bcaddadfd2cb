"""The Maps of a load: one over the parts of its file, one over those that are converted again, one over the chunks.

The result of `convert_parts` is one list of the chunks of all parts, and that of `convert_again` of the parts that have
rows without a place. `write_chunks` runs WriteBatch for each chunk, again after every pause, until it is written.
"""

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from shared.events import SourceFile
from shared.outages import NO_OUTAGE, WriteLaterError
from state_machine.invocations import Payload, invocation
from state_machine.outages import call_later
from state_machine.settings import LoadFunctions, MachineSettings


def convert_parts(scope: Construct, functions: LoadFunctions, settings: MachineSettings) -> sfn.Map:
    """Return the Map from `shared.events.PartRef` to `ConvertedPart`, of whose results it keeps the chunks."""
    return sfn.Map(
        scope,
        "ConvertParts",
        items_path="$.file.parts",
        item_selector=_part_ref(),
        max_concurrency=settings.convert_concurrency,
        result_selector=_CHUNKS,
        result_path="$.converted",
    ).item_processor(_convert_part(scope, "ConvertAndChunk", functions, settings, settings.convert_throttled_attempts))


def convert_again(scope: Construct, functions: LoadFunctions, settings: MachineSettings) -> sfn.Map:
    """Return the Map that does the same with the parts that CompareParts has selected.

    It is less patient while it is throttled: the history of an execution must have room for the retries of both Maps.
    """
    attempts = settings.convert_throttled_attempts // 4
    return sfn.Map(
        scope,
        "ConvertPartsAgain",
        items_path="$.converted.losing",
        item_selector={**_part_ref(), "losing_rows": True},
        max_concurrency=settings.convert_concurrency,
        result_selector=_CHUNKS,
        result_path="$.converted.again",
    ).item_processor(_convert_part(scope, "ConvertAgain", functions, settings, attempts))


_CHUNKS = {"chunks": sfn.JsonPath.list_at("$[*].chunks[*]")}


def _part_ref() -> Payload:
    return {
        "execution": sfn.JsonPath.string_at("$.execution.name"),
        "file": {key: sfn.JsonPath.object_at(f"$.file.{key}") for key in SourceFile.__annotations__},
        "part": sfn.JsonPath.object_at("$$.Map.Item.Value"),
    }


def _convert_part(
    scope: Construct, name: str, functions: LoadFunctions, settings: MachineSettings, attempts: int
) -> tasks.LambdaInvoke:
    attempts = min(settings.throttled_attempts, attempts)
    return invocation(scope, name, functions["convert_and_chunk"], settings=settings, throttled_attempts=attempts)


def write_chunks(scope: Construct, functions: LoadFunctions, settings: MachineSettings) -> sfn.Map:
    """Return the Map over the chunks: each iteration has the state `shared.events.ChunkRef`.

    It discards the results: a Map that fails would lose them, while the outcomes in the work bucket remain.
    """
    item = {
        "load_id": sfn.JsonPath.string_at("$.file.load_id"),
        "bucket": sfn.JsonPath.string_at("$.file.bucket"),
        "key": sfn.JsonPath.string_at("$.file.key"),
        "dataset": sfn.JsonPath.string_at("$.file.dataset"),
        "execution": sfn.JsonPath.string_at("$.execution.name"),
        "chunk": sfn.JsonPath.string_at("$$.Map.Item.Value.chunk"),
        "sha256": sfn.JsonPath.string_at("$$.Map.Item.Value.sha256"),
        "points": sfn.JsonPath.number_at("$$.Map.Item.Value.points"),
        "lease_until": sfn.JsonPath.string_at("$.file.claim.lease_until"),
        "outage": dict(NO_OUTAGE),
    }
    write_batch = invocation(
        scope,
        "WriteBatch",
        functions["write_batch"],
        settings=settings,
        discard_result=True,
        waits_itself=True,
    )
    call_later(
        scope, write_batch, WriteLaterError, name="WaitForInflux", keys=tuple(key for key in item if key != "outage")
    )
    return sfn.Map(
        scope,
        "WriteChunks",
        items_path="$.converted.chunks",
        item_selector=item,
        max_concurrency=settings.write_concurrency,
        result_path=sfn.JsonPath.DISCARD,
    ).item_processor(write_batch)
