"""One part: read and judge its rows, store what is set aside, stage its lines, leave the outcome."""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import IOBase
from time import perf_counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from functions.convert_and_chunk.chunks import Packed, batches, chunks
from functions.convert_and_chunk.collisions import columns_apart
from functions.convert_and_chunk.line_protocol import Body, lines
from functions.convert_and_chunk.profile import profile
from functions.convert_and_chunk.records import Records
from functions.convert_and_chunk.row_groups import PartReader
from functions.convert_and_chunk.set_aside.limits import check_collisions, check_invalid
from functions.convert_and_chunk.set_aside.quarantine import quarantine_parquet
from functions.convert_and_chunk.set_aside.samples import reasons
from functions.convert_and_chunk.staging import Staging
from shared.datasets import Dataset, dataset_of
from shared.errors import AccountingError
from shared.events import ConvertedPart, Part, PartRef
from shared.schema import plan_columns
from shared.settings import ConversionSettings
from shared.stored import PartOutcome
from shared.times import utc_ms

ROWS_AT_ONCE, LINES_AT_ONCE = 32_768, 8_192
"""About as many rows are rendered, and lines gathered, at once: what each step works on stays in the cache."""

CHUNK_POINTS, CHUNKS_PER_PART = 50_000, 20
"""A chunk is what one WriteBatch takes: it grows with the part, so that a load has at most some 800."""


def convert_part(source: IOBase, event: PartRef, staging: Staging, settings: ConversionSettings) -> ConvertedPart:
    """Judge everything, then stage it. Safe to repeat: the same part gives the same objects."""
    started_at, started = utc_ms(datetime.now(UTC)), perf_counter()
    file, part = event["file"], event["part"]
    reader = PartReader(source, part, f"s3://{file['bucket']}/{file['key']}")
    records = read_records(reader, part["rows"], dataset_of(file["key"]), settings)
    apart = judge_records(reader, records, part, staging, settings)
    why = reasons(records.verdicts, reader, part["first_row"])
    outcome = stage_lines(staging, records, part, settings.max_batch_size)
    seconds = round(perf_counter() - started, 3)
    outcome |= {"collision_columns": apart, "reasons": why, "started_at": started_at, "seconds": seconds}
    staging.put_outcome(outcome)
    return {"part": part["part"], "rows": part["rows"], "points": outcome["points"], "chunks": outcome["chunks"]}


def judge_records(
    reader: PartReader, records: Records, part: Part, staging: Staging, settings: ConversionSettings
) -> list[str]:
    """Store what is set aside; raise where it is too much. The columns that would keep colliding rows apart."""
    colliding, winners = records.judge_repeated()
    apart = columns_apart(reader, records.columns.ignored, colliding, winners)
    if len(rows := records.verdicts.set_aside_rows):
        staging.put_set_aside(quarantine_parquet(reader.rows_at(rows), rows, records.verdicts, part["first_row"]))
    check_collisions(colliding, apart, part["first_row"], part["rows"], settings.max_collision_rate)
    if not settings.drop_invalid_records:
        check_invalid(records.verdicts, part["first_row"])
    return apart


def read_records(reader: PartReader, rows: int, dataset: Dataset, settings: ConversionSettings) -> Records:
    """All records of a part, each judged for itself."""
    columns = plan_columns(reader.schema, dataset, validate=settings.validate)
    records = Records(dataset, columns, rows, validate=settings.validate)
    theirs, ours = list(columns.source.values()), list(columns.source)
    for batch in reader.batches(theirs):
        records.append(batch.select(theirs).rename_columns(ours))
    pa.default_memory_pool().release_unused()  # some 40 MiB that reading took and what follows needs
    return records


def stage_lines(staging: Staging, records: Records, part: Part, max_lines: int) -> PartOutcome:
    """Stage all lines, chunk by chunk. Raises AccountingError when a row is lost or counted twice."""
    points = max(CHUNK_POINTS, -(-part["rows"] // CHUNKS_PER_PART))
    outcome = _outcome(records, part)
    for number, chunk in enumerate(chunks(packed_batches(records, part["first_row"], max_lines), points=points)):
        name = f"{part['part']:04}-{number:04}"
        staging.put_chunk(name, chunk)
        outcome["chunks"].append({"chunk": name, "sha256": chunk.sha256, "points": chunk.points})
        outcome["points"] += chunk.points
        outcome["batches"] += len(chunk.manifest["batches"])
        outcome["body_bytes"] += chunk.unpacked_bytes
    places = outcome["points"] + outcome["collapsed"] + sum(outcome["set_aside"].values())
    if places != part["rows"]:
        raise AccountingError(f"{part['rows']} rows, {places} accounted for: report this as a defect")
    return outcome


def packed_batches(records: Records, first_row: int, max_lines: int) -> Iterator[Packed]:
    """The lines in batches, in the file's order, in which the part begins at `first_row`."""
    for body, rows in bodies(records, max_lines):
        yield from batches(body, rows + first_row, max_lines=max_lines)


def bodies(records: Records, max_lines: int) -> Iterator[tuple[Body, NDArray[np.int64]]]:
    """All lines, some whole batches at a time, and the part's rows that they come from."""
    at_once = max_lines * max(1, LINES_AT_ONCE // max_lines)
    rendered = at_once * max(1, ROWS_AT_ONCE // at_once)
    rows = records.verdicts.lines
    for first in range(0, len(rows), rendered):
        taken = rows[first : first + rendered]
        gapless = taken[-1] - taken[0] == len(taken) - 1
        here = slice(taken[0], taken[-1] + 1) if gapless else taken
        fields = {name: values[here] for name, values in records.fields.items()}
        found = lines(records.tag_sets.prefixes, records.series[here], fields, records.time[here], at_once)
        yield from zip(found, (taken[begin : begin + at_once] for begin in range(0, len(taken), at_once)), strict=True)


def _outcome(records: Records, part: Part) -> PartOutcome:
    """What is known before the first line is staged."""
    lines = records.verdicts.lines
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
        "reasons": [],
        "batches": 0,
        "chunks": [],
        "body_bytes": 0,
        "series": int(np.count_nonzero(np.bincount(records.series[lines]))),
        "profile": profile(records.time, records.fields, lines) if len(lines) else None,
        "started_at": "",
        "seconds": 0.0,
    }
