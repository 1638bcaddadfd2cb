"""Rows that conversion set aside and points that InfluxDB refused, as one list."""

import gzip
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from cli.deployed.reports import Report
from cli.deployed.stack import Deployment
from shared.stored import REJECTED

SAMPLES = 3


class SetAside(NamedTuple):
    """`record` is the row as the file has it, or the line that was refused."""

    source_row: int
    rule: str
    reason: str
    record: dict[str, Any]


@dataclass
class Group:
    """What one rule set aside for one reason."""

    rule: str
    reason: str
    rows: int = 0
    samples: list[SetAside] = field(default_factory=list)


def set_aside(deployment: Deployment, report: Report) -> Iterator[SetAside]:
    """Everything that the load's execution left in the quarantine, part by part, then chunk by chunk."""
    prefix = report.key.replace("reports/", "quarantine/", 1).removesuffix(".json") + "/"
    for key in sorted(deployment.work_keys(prefix), reverse=True):
        content = deployment.work_object(key)
        yield from _rows(content) if key.endswith(".parquet") else _points(content)


def grouped(found: Iterable[SetAside]) -> list[Group]:
    """By rule and reason, the most frequent first, each with its first rows."""
    groups: dict[tuple[str, str], Group] = {}
    for each in found:
        group = groups.setdefault((each.rule, each.reason), Group(each.rule, each.reason))
        group.rows += 1
        if len(group.samples) < SAMPLES:
            group.samples.append(each)
    return sorted(groups.values(), key=lambda group: -group.rows)


def _rows(parquet: bytes) -> Iterator[SetAside]:
    for batch in pq.ParquetFile(io.BytesIO(parquet)).iter_batches():
        for row in batch.to_pylist():
            yield SetAside(row.pop("source_row"), row.pop("rule"), row.pop("reason"), row)


def _points(content: bytes) -> Iterator[SetAside]:
    for line in gzip.decompress(content).splitlines():
        point = json.loads(line)
        yield SetAside(point["source_row"], REJECTED, point["message"], {"line": point["line"]})
