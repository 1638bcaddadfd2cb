"""The two Maps of a load: one over the parts of its file, one over the staged chunks.

`convert_parts` returns a list of parts with their chunks, `list_chunks` flattens it, and `write_chunks` runs
`_write_chunk` for each chunk: WriteBatch, again after every pause that InfluxDB asks for, until the chunk is written.
"""

from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from shared.events import SourceFile
from state_machine.invocations import invocation, state_keys
from state_machine.settings import LoadFunctions, MachineSettings


def convert_parts(scope: Construct, functions: LoadFunctions, settings: MachineSettings) -> sfn.Map:
    """Return the Map from `shared.events.PartRef` to `ConvertedPart`."""
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
        result_path="$.converted",
    ).item_processor(_convert_part(scope, functions, settings))


def _convert_part(scope: Construct, functions: LoadFunctions, settings: MachineSettings) -> tasks.LambdaInvoke:
    attempts = min(settings.throttled_attempts, settings.convert_throttled_attempts)
    function = functions["convert_and_chunk"]
    return invocation(scope, "ConvertAndChunk", function, settings=settings, throttled_attempts=attempts)


def list_chunks(scope: Construct) -> sfn.Pass:
    """Return the state that flattens the chunks: a Map cannot iterate over `$.converted[*].chunks[*]` itself."""
    chunks = sfn.JsonPath.list_at("$.converted[*].chunks[*]")
    return sfn.Pass(scope, "ListChunks", parameters={"chunks": chunks}, result_path="$.converted")


def write_chunks(scope: Construct, functions: LoadFunctions, settings: MachineSettings) -> sfn.Map:
    """Return the Map over the chunks.

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
        "progress": {"next_batch": 0, "waits": 0},
    }
    return sfn.Map(
        scope,
        "WriteChunks",
        items_path="$.converted.chunks",
        item_selector=item,
        max_concurrency=settings.write_concurrency,
        result_path=sfn.JsonPath.DISCARD,
    ).item_processor(_write_chunk(scope, functions, settings))


def _write_chunk(scope: Construct, functions: LoadFunctions, settings: MachineSettings) -> sfn.Chain:
    """Chain WriteBatch and a wait until the chunk is written. The wait is as long as InfluxDB's Retry-After."""
    chunk_ref = state_keys("load_id", "bucket", "key", "dataset", "execution", "chunk", "sha256", "points") | {
        key: sfn.JsonPath.number_at(f"$.progress.{key}") for key in ("next_batch", "waits")
    }
    write_batch = invocation(
        scope, "WriteBatch", functions["write_batch"], settings=settings, payload=chunk_ref, result_path="$.progress"
    )
    wait = sfn.Wait(scope, "WaitForInflux", time=sfn.WaitTime.timestamp_path("$.progress.not_before"))
    written = sfn.Choice(scope, "Written?")
    written.when(sfn.Condition.boolean_equals("$.progress.written", value=True), sfn.Succeed(scope, "Done"))
    return write_batch.next(written.otherwise(wait.next(write_batch)))
