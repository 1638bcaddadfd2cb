"""One part: read and judge its rows, store what is set aside, stage its lines, leave the outcome."""

from collections.abc import Iterator
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from functions.convert_and_chunk.chunks import Packed, batches, chunks
from functions.convert_and_chunk.line_protocol import lines
from functions.convert_and_chunk.quarantine import as_parquet, set_aside_table
from functions.convert_and_chunk.records import Records
from functions.convert_and_chunk.source_rows import corruption, open_parquet, record_batches
from functions.convert_and_chunk.staging import Staging
from functions.convert_and_chunk.verdicts import COLLAPSED
from shared.datasets import dataset_of
from shared.errors import AccountingError, InvalidRecordsError
from shared.events import Part, PartConverted, PartOutcome, PartRef
from shared.schema import plan_columns
from shared.settings import ConversionSettings
from shared.source import PinnedObject

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LINES_AT_ONCE = 32_768
"""About as many lines are gathered at once: their tables stay in the processor's cache."""

CHUNK_POINTS, CHUNKS_PER_PART = 50_000, 20
"""A chunk is what one WriteBatch takes: it grows with the part, so that a load has at most some 800."""

NAMED_ROWS = 5
"""An InvalidRecordsError names so many rows."""


def convert_part(client: "S3Client", event: PartRef, settings: ConversionSettings) -> PartConverted:
    """Judge everything, then stage it. Safe to repeat: the same part gives the same objects."""
    started = perf_counter()
    part, staging = event["part"], Staging(client, event)
    with corruption(event["file"]["key"]):
        parquet = open_parquet(PinnedObject(client, event["file"]))
        records = read_records(parquet, event, settings)
        if records.verdicts.set_aside:
            refuse(records, part, settings)
            rows = set_aside_table(record_batches(parquet, part), records.verdicts, part["first_row"])
            staging.put_set_aside(as_parquet(rows))
    outcome = stage(staging, records, part, settings)
    outcome["seconds"] = round(perf_counter() - started, 3)
    staging.put_outcome(outcome)
    return {"part": part["part"], "rows": part["rows"], "points": outcome["points"], "chunks": outcome["chunks"]}


def read_records(parquet: pq.ParquetFile, event: PartRef, settings: ConversionSettings) -> Records:
    """All records of a part, judged. Raises AccountingError where the file holds more or fewer than planned."""
    dataset, rows = dataset_of(event["file"]["key"]), event["part"]["rows"]
    columns = plan_columns(parquet.schema_arrow, dataset, validate=settings.validate)
    records = Records(dataset, columns, rows, validate=settings.validate)
    for batch in record_batches(parquet, event["part"], list(columns.source.values())):
        records.append(batch.select(list(columns.source.values())).rename_columns(list(columns.source)))
    if records.filled != rows:
        raise AccountingError(f"{records.filled} of {rows} rows were read: report this as a defect")
    return records


def refuse(records: Records, part: Part, settings: ConversionSettings) -> None:
    """Raise InvalidRecordsError where rows were set aside and may not be."""
    if settings.drop_invalid_records:
        return
    codes = records.verdicts.codes
    rows = np.flatnonzero(codes > COLLAPSED)
    named = [f"row {row + part['first_row']}: {records.verdicts.reason(int(codes[row])).text}" for row in rows]
    raise InvalidRecordsError(
        f"{len(rows)} invalid records, and DROP_INVALID_RECORDS is false; {'; '.join(named[:NAMED_ROWS])}"
    )


def stage(staging: Staging, records: Records, part: Part, settings: ConversionSettings) -> PartOutcome:
    """Stage all lines, chunk by chunk. Raises AccountingError when a row is lost or counted twice."""
    points = max(CHUNK_POINTS, -(-part["rows"] // CHUNKS_PER_PART))
    outcome = _outcome(records, part)
    for number, chunk in enumerate(chunks(packed_batches(records, part, settings), points=points)):
        outcome["chunks"].append(staging.put_chunk(number, chunk))
        outcome["points"] += chunk.points
        outcome["batches"] += len(chunk.manifest["batches"])
        outcome["body_bytes"] += chunk.unpacked_bytes
    _check_accounts(outcome)
    return outcome


def packed_batches(records: Records, part: Part, settings: ConversionSettings) -> Iterator[Packed]:
    """The lines of a part in batches, in the file's order. Whole batches are gathered at once."""
    rows, max_lines = records.verdicts.lines, settings.max_batch_size
    step = max_lines * max(1, LINES_AT_ONCE // max_lines)
    for first in range(0, len(rows), step):
        taken = rows[first : first + step]
        fields = {name: values[taken] for name, values in records.fields.items()}
        body = lines(records.tag_sets.prefixes, records.series[taken], fields, records.time[taken])
        yield from batches(body, taken + part["first_row"], max_lines=max_lines)


def _outcome(records: Records, part: Part) -> PartOutcome:
    """What is known before the first line is staged."""
    return {
        "part": part["part"],
        "rows": part["rows"],
        "points": 0,
        "collapsed": records.verdicts.collapsed,
        "set_aside": records.verdicts.set_aside,
        "fields_left_out": {name: count for name, count in records.left_out.items() if count},
        "out_of_bounds": {},
        "ignored_columns": list(records.columns.ignored),
        "collision_columns": [],
        "batches": 0,
        "chunks": [],
        "body_bytes": 0,
        "seconds": 0.0,
    }


def _check_accounts(outcome: PartOutcome) -> None:
    places = outcome["points"] + outcome["collapsed"] + sum(outcome["set_aside"].values())
    if places != outcome["rows"]:
        raise AccountingError(f"{outcome['rows']} rows, {places} accounted for: report this as a defect")
