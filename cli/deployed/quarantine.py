"""The quarantine of a load: rows that conversion set aside and points that InfluxDB rejected, as one list."""

import gzip
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cli.deployed.reports import Report
from cli.deployed.stack import Deployment
from shared.rejections import kind_of
from shared.stored import REJECTED

SAMPLES = 3
"""How many samples each group keeps."""

_ZERO_FRACTION = r"\.0+(Z|[+-]\d+|)$"
"""The fraction of a full second, with the zone that follows it."""


class Quarantined(NamedTuple):
    """One row or point. `record` has the columns of the row, or the key "line" with the rejected line."""

    source_row: int
    rule: str
    reason: str
    record: dict[str, Any]


@dataclass
class Group:
    """The rows with the same rule and reason: their number, and the first of them as samples."""

    rule: str
    reason: str
    rows: int = 0
    samples: list[Quarantined] = field(default_factory=list)


def read_quarantine(deployment: Deployment, report: Report) -> Iterator[Quarantined]:
    """Yield everything in the quarantine of the report's execution, first rows by part, then points by chunk."""
    # In reverse, rows-0000.parquet comes before points-0000-0000.jsonl.gz.
    for key in sorted(deployment.work_keys(_prefix(report)), reverse=True):
        content = deployment.work_object(key)
        yield from _rows(content) if key.endswith(".parquet") else _points(content)


def rejected_lines(deployment: Deployment, report: Report) -> list[str]:
    """Return the lines that InfluxDB rejected, without reading the rows that conversion set aside."""
    keys = [key for key in deployment.work_keys(_prefix(report)) if not key.endswith(".parquet")]
    return [str(point.record["line"]) for key in keys for point in _points(deployment.work_object(key))]


def group_by_reason(records: Iterable[Quarantined]) -> list[Group]:
    """Group records by rule and reason, and rejected points by kind. Return the largest group first."""
    groups: dict[tuple[str, str], Group] = {}
    for record in records:
        kind = kind_of(record.reason) if record.rule == REJECTED else record.reason
        group = groups.setdefault((record.rule, kind), Group(record.rule, kind))
        group.rows += 1
        if len(group.samples) < SAMPLES:
            group.samples.append(record)
    return sorted(groups.values(), key=lambda group: -group.rows)


def _prefix(report: Report) -> str:
    return report.key.replace("reports/", "quarantine/", 1).removesuffix(".json") + "/"


def _rows(parquet: bytes) -> Iterator[Quarantined]:
    for batch in pq.ParquetFile(io.BytesIO(parquet)).iter_batches():
        for row in _with_times_as_text(batch).to_pylist():
            yield Quarantined(row.pop("source_row"), row.pop("rule"), row.pop("reason"), row)


def _with_times_as_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the rows with text in place of times.

    For most times, pyarrow would import pandas, which takes longer than all the rest. For those after the year 9999,
    which are in quarantines because they are not plausible, Python has no type.
    """
    for number, column in enumerate(batch.schema):
        if pa.types.is_timestamp(column.type):
            texts = pc.replace_substring_regex(batch.column(number).cast(pa.string()), _ZERO_FRACTION, r"\1")
            batch = batch.set_column(number, column.name, texts)
    return batch


def _points(content: bytes) -> Iterator[Quarantined]:
    for line in gzip.decompress(content).splitlines():
        point = json.loads(line)
        yield Quarantined(point["source_row"], REJECTED, point["message"], {"line": point["line"]})
