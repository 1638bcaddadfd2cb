"""The two Maps of a load: one over the parts of its file, one over the staged chunks.

The result of `convert_parts` is one list of the chunks of all parts. `write_chunks` runs WriteBatch for each of them,
again after every pause, until the chunk is written.
"""

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from shared.events import SourceFile
from shared.outages import NO_OUTAGE, WriteLaterError
from state_machine.invocations import invocation
from state_machine.outages import call_later
from state_machine.settings import LoadFunctions, MachineSettings


def convert_parts(scope: Construct, functions: LoadFunctions, settings: MachineSettings) -> sfn.Map:
    """Return the Map from `shared.events.PartRef` to `ConvertedPart`, of whose results it keeps the chunks."""
    part_ref = {
        "execution": sfn.JsonPath.string_at("$.execution.name"),
        "file": {key: sfn.JsonPath.object_at(f"$.file.{key}") for key in SourceFile.__annotations__},
        "part": sfn.JsonPath.object_at("$$.Map.Item.Value"),
    }
    return sfn.Map(
        scope,
        "ConvertParts",
        items_path="$.file.parts",
        item_selector=part_ref,
        max_concurrency=settings.convert_concurrency,
        result_selector={"chunks": sfn.JsonPath.list_at("$[*].chunks[*]")},
        result_path="$.converted",
    ).item_processor(_convert_part(scope, functions, settings))


def _convert_part(scope: Construct, functions: LoadFunctions, settings: MachineSettings) -> tasks.LambdaInvoke:
    attempts = min(settings.throttled_attempts, settings.convert_throttled_attempts)
    function = functions["convert_and_chunk"]
    return invocation(scope, "ConvertAndChunk", function, settings=settings, throttled_attempts=attempts)


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
