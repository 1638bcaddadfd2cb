"""One part of a file: read its rows, judge them, stage their lines, and store the outcome.

`convert_part` runs these steps. `read_records` judges each row by itself, and `Records.judge_repeated_points` compares
rows with each other. The footprint says which points will be written. `set_rows_aside` quarantines the rows that are
set aside, and fails the load if there are too many: nothing has been staged by then. `stage_lines` renders the lines
(`bodies`), compresses them (`packed_batches`), stages them chunk by chunk, and checks that the outcome counts every row
of the part once.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from io import IOBase
from time import perf_counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from functions.convert_and_chunk.chunks import FORMER_PARTS, batches, chunk_points, chunks
from functions.convert_and_chunk.collisions import RepeatedPoints, distinguishing_columns
from functions.convert_and_chunk.line_protocol import Body, render_lines
from functions.convert_and_chunk.part_outcome import part_outcome
from functions.convert_and_chunk.records import Records
from functions.convert_and_chunk.row_groups import PartReader
from functions.convert_and_chunk.set_aside.limits import check_collisions, check_invalid
from functions.convert_and_chunk.set_aside.quarantine import quarantine_parquet
from functions.convert_and_chunk.set_aside.samples import reasons_with_samples
from functions.convert_and_chunk.staging import Staging
from shared.calendars import encode, shorten
from shared.dataset_keys import dataset_of
from shared.datasets import Dataset
from shared.errors import AccountingError
from shared.events import ConvertedPart, Part, PartRef
from shared.load_limits import check_set_aside, collision_limit, set_aside_limit
from shared.load_totals import Outcomes
from shared.losing_rows import NO_LOSING_ROWS, LosingRows
from shared.packed_batches import PackedBatch
from shared.plausible_times import NO_LIMITS, TimeLimits, part_limits
from shared.schema import plan_columns
from shared.schema_findings import Clues
from shared.series_limit import check_series, series_limit
from shared.settings import ConversionSettings
from shared.stored import PartOutcome
from shared.times import utc_ms
from shared.work_bucket import DISTINCT

BODY_LINES = 24_576
"""The approximate number of lines to render together: enough to call numpy rarely, and few enough for memory."""


def convert_part(
    source: IOBase,
    event: PartRef,
    staging: Staging,
    settings: ConversionSettings,
    *,
    size: int | None = None,
    losing: LosingRows = NO_LOSING_ROWS,
) -> ConvertedPart:
    """Judge all rows of a part, then stage their lines.

    A repeated conversion of the same part stores the same objects. If the file has several parts, CheckSeries checks
    how many rows are set aside; a part that an earlier release planned does not know how many parts there are.

    Args:
        source: The file.
        event: The part.
        staging: Receives the objects.
        settings: The rules of the conversion.
        size: The size of chunks that another release staged, in points, to stage them again.
        losing: The rows that lose their place to rows of later parts.

    Raises:
        InvalidRecordsError: This is the only part, and more of its rows are set aside than MAX_SET_ASIDE_RATE, or the
            dataset, allows. The outcome is stored, so that the report has the reasons.
    """
    started_at, start_s = utc_ms(datetime.now(UTC)), perf_counter()
    file, part = event["file"], event["part"]
    reader = PartReader(source, part, f"s3://{file['bucket']}/{file['key']}")
    dataset = dataset_of(file["key"])
    limits = part_limits(dataset, part)
    records = read_records(reader, part["rows"], dataset, settings, limits, key=file["key"])
    repeated = records.judge_repeated_points(losing.from_row(part["first_row"]))
    footprint = records.take_footprint()  # before rows are read again: the order of the lines takes much memory
    collision_columns = set_rows_aside(reader, records, part, staging, settings, repeated=repeated)
    judge_series(records, part, staging, series_limit(dataset, settings.max_series))
    staging.put_footprint(footprint.parquet)
    pa.default_memory_pool().release_unused()  # the quarantine leaves memory there, as do the samples
    reasons = reasons_with_samples(records.verdicts, reader, part["first_row"])
    pa.default_memory_pool().release_unused()
    size = size or chunk_points(records.verdicts.line_count, part.get("file_parts", FORMER_PARTS))
    name_end = DISTINCT if event.get("losing_rows") else ""
    outcome = stage_lines(staging, records, part, settings.max_batch_size, size, name_end=name_end)
    seconds = round(perf_counter() - start_s, 3)
    outcome |= {"collision_columns": collision_columns, "reasons": reasons}
    outcome |= {"unreadable_columns": sorted(reader.unreadable)}
    outcome |= {"started_at": started_at, "seconds": seconds, "calendar": encode(shorten(footprint.calendar))}
    staging.put_outcome(outcome)
    if part.get("file_parts") == 1:
        check_set_aside(Outcomes(parts=[outcome]), part["rows"], set_aside_limit(dataset, settings.max_set_aside_rate))
    return {"part": part["part"], "rows": part["rows"], "points": outcome["points"], "chunks": outcome["chunks"]}


def set_rows_aside(
    reader: PartReader,
    records: Records,
    part: Part,
    staging: Staging,
    settings: ConversionSettings,
    *,
    repeated: RepeatedPoints,
) -> list[str]:
    """Quarantine the rows that are set aside, and check that there are not too many of them.

    Returns:
        The columns that, declared as a tag, would distinguish the colliding rows.

    Raises:
        CollidingRecordsError: More rows collide than MAX_COLLISION_RATE, or the dataset, allows.
        InvalidRecordsError: A row is set aside, and DROP_INVALID_RECORDS is false.
    """
    _, colliding, winners = repeated
    columns = distinguishing_columns(reader, records.columns.ignored, colliding, winners)
    if len(rows := records.verdicts.set_aside_rows):
        write = partial(quarantine_parquet, rows=rows, verdicts=records.verdicts, first_row=part["first_row"])
        staging.put_set_aside(reader.read_rows(rows, None, write))
    max_rate = collision_limit(records.dataset, settings.max_collision_rate)
    check_collisions(colliding, columns, part["first_row"], part["rows"], max_rate)
    if not settings.drop_invalid_records:
        check_invalid(records.verdicts, part["first_row"])
    return columns


def judge_series(records: Records, part: Part, staging: Staging, limit: int) -> None:
    """Check that the part does not have too many series. CheckSeries does the same for the parts of a file together.

    Raises:
        TooManySeriesError: The part has more than `limit`.
    """
    is_only_part = part.get("file_parts", 1) == 1
    if is_only_part and len(records.tag_sets.prefixes) <= limit:
        return
    keys = records.series_keys()
    check_series(keys.slice(0, limit + 1).to_pylist(), limit)
    if not is_only_part:
        staging.put_series(keys)


def read_records(
    reader: PartReader,
    rows: int,
    dataset: Dataset,
    settings: ConversionSettings,
    limits: TimeLimits = NO_LIMITS,
    *,
    key: str = "",
) -> Records:
    """Read all records of a part, and judge each by itself. The key may have tags."""
    columns = plan_columns(reader.schema, dataset, validate=settings.validate, clues=Clues(key=key))
    records = Records(dataset, columns, rows, validate=settings.validate, limits=limits)
    file_names, dataset_names = list(columns.source.values()), list(columns.source)
    for batch in reader.batches(file_names):
        records.append(add_path_tags(batch.select(file_names).rename_columns(dataset_names), columns.path_tags))
    records.settle_series()
    pa.default_memory_pool().release_unused()  # reading leaves about 40 MiB there, which the next steps need
    return records


def add_path_tags(batch: pa.RecordBatch, path_tags: Mapping[str, str]) -> pa.RecordBatch:
    """Return the record batch with a column for each tag of the key, which has the same value in all rows."""
    for name, value in path_tags.items():
        indices = pa.array(np.zeros(batch.num_rows, np.int32))
        batch = batch.append_column(name, pa.DictionaryArray.from_arrays(indices, pa.array([value])))
    return batch


def stage_lines(
    staging: Staging, records: Records, part: Part, max_lines: int, size: int, *, name_end: str = ""
) -> PartOutcome:
    """Stage all lines, in chunks of at least `size` points, whose names end with `name_end`.

    Raises:
        AccountingError: A row is missing from the outcome, or is counted twice.
    """
    outcome = part_outcome(records, part)
    for chunk in chunks(packed_batches(records, part["first_row"], max_lines), points=size):
        name = f"{part['part']:04}-{len(outcome['chunks']):04}{name_end}"
        staging.put_chunk(name, chunk)
        outcome["chunks"].append({"chunk": name, "sha256": chunk.sha256, "points": chunk.points})
        outcome["points"] += chunk.points
        outcome["batches"] += len(chunk.manifest["batches"])
        outcome["body_bytes"] += chunk.unpacked_bytes
        del chunk  # before the next one is made: `enumerate` would keep it as well
    rows = outcome["points"] + outcome["collapsed"] + sum(outcome["set_aside"].values())
    if rows != part["rows"]:
        raise AccountingError(
            f"part {part['part']} has {part['rows']} rows, but {rows} are accounted for: report this as a bug"
        )
    return outcome


def packed_batches(records: Records, first_row: int, max_lines: int) -> Iterator[PackedBatch]:
    """Yield all lines in compressed batches.

    The rows of a batch are numbered over the file, in which the part begins at `first_row`.
    """
    for body, rows in bodies(records, max_lines):
        yield from batches(body, rows + first_row, max_lines=max_lines)
        del body  # before the next one is rendered: a body may have 10 MiB


def bodies(records: Records, max_lines: int) -> Iterator[tuple[Body, NDArray[np.int64]]]:
    """Return all lines, a few full batches at a time, with the rows of the part that they come from.

    The size of a body is a multiple of `max_lines`, so that only the last batch of a part is not full.

    Example: with `max_lines` 1000, a body has 1000 * (24576 // 1000) = 24000 lines.
    """
    size = max_lines * max(1, BODY_LINES // max_lines)
    blocks = records.verdicts.line_blocks(size)
    return render_lines(records.tag_sets.prefixes, records.series, records.fields, records.time, blocks)
