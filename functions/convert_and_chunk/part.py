"""One part: read and judge its rows, store what is set aside, stage its lines, leave the outcome."""

from collections.abc import Iterator
from time import perf_counter
from typing import TYPE_CHECKING

from functions.convert_and_chunk.chunks import Packed, batches, chunks
from functions.convert_and_chunk.collisions import columns_apart
from functions.convert_and_chunk.line_protocol import lines
from functions.convert_and_chunk.quarantine import quarantine_parquet
from functions.convert_and_chunk.records import Records
from functions.convert_and_chunk.refusals import check_collisions, check_invalid
from functions.convert_and_chunk.row_groups import PartReader
from functions.convert_and_chunk.staging import Staging
from shared.datasets import Dataset
from shared.errors import AccountingError
from shared.events import Part, PartConverted, PartOutcome, PartRef
from shared.schema import plan_columns
from shared.settings import ConversionSettings
from shared.source import PinnedObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LINES_AT_ONCE = 16_384
"""About as many lines are gathered at once: their tables stay in the processor's cache."""

CHUNK_POINTS, CHUNKS_PER_PART = 50_000, 20
"""A chunk is what one WriteBatch takes: it grows with the part, so that a load has at most some 800."""


def convert_part(client: "S3Client", event: PartRef, dataset: Dataset, settings: ConversionSettings) -> PartConverted:
    """Judge everything, then stage it. Safe to repeat: the same part gives the same objects."""
    started = perf_counter()
    file, part, staging = event["file"], event["part"], Staging(client, event)
    reader = PartReader(PinnedObject(client, file), part, f"s3://{file['bucket']}/{file['key']}")
    records = read_records(reader, part["rows"], dataset, settings)
    colliding, winners = records.judge_repeated()
    apart = columns_apart(reader, records.columns.ignored, colliding, winners)
    if len(rows := records.verdicts.set_aside_rows):
        staging.put_set_aside(quarantine_parquet(reader.rows_at(rows), rows, records.verdicts, part["first_row"]))
    check_collisions(colliding, apart, part["first_row"], part["rows"], settings.max_collision_rate)
    if not settings.drop_invalid_records:
        check_invalid(records.verdicts, part["first_row"])
    outcome = stage_lines(staging, records, part, settings.max_batch_size)
    outcome |= {"collision_columns": apart, "seconds": round(perf_counter() - started, 3)}
    staging.put_outcome(outcome)
    return {"part": part["part"], "rows": part["rows"], "points": outcome["points"], "chunks": outcome["chunks"]}


def read_records(reader: PartReader, rows: int, dataset: Dataset, settings: ConversionSettings) -> Records:
    """All records of a part, each judged for itself."""
    columns = plan_columns(reader.schema, dataset, validate=settings.validate)
    records = Records(dataset, columns, rows, validate=settings.validate)
    theirs, ours = list(columns.source.values()), list(columns.source)
    for batch in reader.batches(theirs):
        records.append(batch.select(theirs).rename_columns(ours))
    return records


def stage_lines(staging: Staging, records: Records, part: Part, max_lines: int) -> PartOutcome:
    """Stage all lines, chunk by chunk. Raises AccountingError when a row is lost or counted twice."""
    points = max(CHUNK_POINTS, -(-part["rows"] // CHUNKS_PER_PART))
    outcome = _outcome(records, part)
    for number, chunk in enumerate(chunks(packed_batches(records, part["first_row"], max_lines), points=points)):
        outcome["chunks"].append(staging.put_chunk(number, chunk))
        outcome["points"] += chunk.points
        outcome["batches"] += len(chunk.manifest["batches"])
        outcome["body_bytes"] += chunk.unpacked_bytes
    places = outcome["points"] + outcome["collapsed"] + sum(outcome["set_aside"].values())
    if places != part["rows"]:
        raise AccountingError(f"{part['rows']} rows, {places} accounted for: report this as a defect")
    return outcome


def packed_batches(records: Records, first_row: int, max_lines: int) -> Iterator[Packed]:
    """The lines in batches, in the file's order, in which the part begins at `first_row`."""
    rows = records.verdicts.lines
    step = max_lines * max(1, LINES_AT_ONCE // max_lines)  # a body holds whole batches
    for first in range(0, len(rows), step):
        taken = rows[first : first + step]
        fields = {name: values[taken] for name, values in records.fields.items()}
        body = lines(records.tag_sets.prefixes, records.series[taken], fields, records.time[taken])
        yield from batches(body, taken + first_row, max_lines=max_lines)


def _outcome(records: Records, part: Part) -> PartOutcome:
    """What is known before the first line is staged."""
    return {
        "part": part["part"],
        "rows": part["rows"],
        "points": 0,
        "collapsed": records.verdicts.collapsed,
        "set_aside": records.verdicts.set_aside,
        "fields_left_out": {name: count for name, count in records.left_out.items() if count},
        "out_of_bounds": records.out_of_bounds(),
        "ignored_columns": list(records.columns.ignored),
        "collision_columns": [],
        "batches": 0,
        "chunks": [],
        "body_bytes": 0,
        "seconds": 0.0,
    }
