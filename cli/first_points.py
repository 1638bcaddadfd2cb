"""The first points of a load, with the values that InfluxDB stores for them now.

The points are those that the load sent, from the beginning of its file, as `loader verify` reads them. So points of
other loads between them are not among them, and a point that is no longer stored is.
"""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from cli.deployed.reports import Report
from cli.deployed.sent_lines import sent_lines
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, QueryError
from cli.sent_points import SeriesTable, merge_repetitions, parse_lines
from cli.stored_points import Block, StoredPoints
from shared.datasets import DATASETS
from shared.errors import LoaderError
from shared.influx import Influx
from shared.settings import influx_settings


class StoredPoint(NamedTuple):
    """One point. `fields` has the values that are stored, and is empty if InfluxDB does not store the point."""

    time_ns: int
    tags: dict[str, str]
    fields: dict[str, float]


def first_points(deployment: Deployment, report: Report, limit: int) -> list[StoredPoint]:
    """Return the first `limit` points that a load sent, in order of time, with their stored values.

    Raises:
        NotFoundError: The load sent no points.
        QueryError: InfluxDB cannot be read.
        RefusedError: What was sent has expired, and cannot be restored.
    """
    file = report.file
    if file is None:
        raise NotFoundError("this load sent no points")
    dataset, table = DATASETS[file["dataset"]], SeriesTable()
    chunks = sent_lines(deployment, report, file, report.outcomes.parts)
    lines = list(islice((line for chunk in chunks for line in chunk.slice(0, limit).to_pylist()), limit))
    if not lines:
        raise NotFoundError("this load sent no points, or InfluxDB rejected all of them")
    sent = merge_repetitions(parse_lines(pa.array(lines), dataset.field_names, table))
    try:
        settings = influx_settings(deployment.delivery_environment())
        stored = StoredPoints(Influx(settings), dataset.influxdb_bucket or settings.bucket, dataset, table)
    except LoaderError as error:
        raise QueryError(f"cannot read points back: {error}") from error
    return [point for block in stored.of(sent) for point in _points(block, table, dataset.field_names)]


def _points(block: Block, table: SeriesTable, names: tuple[str, ...]) -> Iterator[StoredPoint]:
    for sent, values in zip(block.sent, block.stored, strict=True):
        fields = {name: float(value) for name, value in zip(names, values, strict=True) if not np.isnan(value)}
        yield StoredPoint(int(sent["time"]), table.tags(int(sent["series"])), fields)
