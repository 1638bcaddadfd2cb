"""The points that two loaded files have in common, and how many of them have different values.

`find_overlaps` compares the footprints of files. For the common points only, `_values` converts the sources again, so
that memory holds the common points of one part, and one part of each file.
"""

import gzip
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cli.deployed.sent_lines import ChunkBodies
from cli.deployed.stack import Deployment
from cli.errors import NotFoundError, RefusedError
from cli.overlaps import SeriesSpans, Standing, standing
from cli.sent_points import SeriesTable, parse_lines
from functions.convert_and_chunk.part import convert_part
from functions.validate_schema.handler import plan_file
from functions.validate_schema.pin import pin
from shared.datasets import DATASETS
from shared.errors import LoaderError
from shared.footprints import Footprint, PointRange, read_footprint
from shared.ledger import LedgerItem, bucket_and_key, version_id_of
from shared.point_index import Mask, PointIndex
from shared.requested_object import RequestedObject
from shared.settings import conversion_settings
from shared.source import PinnedObject


class Overlap(NamedTuple):
    """Two files with common points.

    Attributes:
        standing: Whose values stand.
        points: The number of points of which both have a value for the same field.
        different: How many of them have different values; None if a source is gone or cannot be converted.
    """

    standing: Standing
    points: int
    different: int | None


def find_overlaps(deployment: Deployment, items: Sequence[LedgerItem]) -> Iterator[Overlap]:
    """Yield the pairs of files that have common points. Each item has a footprint and a declared dataset."""
    spans = SeriesSpans()
    for number, item in enumerate(items):
        for part in _parts(deployment, item):
            spans.add(number, part)
    for one, other in sorted(spans.pairs()):
        result = standing(items[one], items[other])
        if result and (overlap := _compare(deployment, result)).points:
            yield overlap


def _parts(deployment: Deployment, item: LedgerItem, within: PointRange | None = None) -> Iterator[Footprint]:
    for key in sorted(deployment.work_keys(item["footprint"])):
        part = read_footprint(deployment.work_object(key), within)
        if part.series:
            yield part


def _compare(deployment: Deployment, pair: Standing) -> Overlap:
    names = DATASETS[pair.file["dataset"]].field_names
    points, different = 0, list[int | None]()
    for part in _parts(deployment, pair.file):
        index = PointIndex(part, names)
        shared = index.shared_fields(_parts(deployment, pair.other, index.range))
        if count := int(np.count_nonzero(shared)):
            points += count
            different.append(_count_different(deployment, pair, index, shared, names))
    return Overlap(pair, points, None if None in different else sum(filter(None, different)))


def _count_different(
    deployment: Deployment, pair: Standing, index: PointIndex, shared: Mask, names: Sequence[str]
) -> int | None:
    """Return how many common points have different values in the sources of the two files; None if that is unknown."""
    bits = np.uint64(1) << np.arange(len(names), dtype=np.uint64)
    both = (shared[:, None] & bits) != 0
    try:
        one, other = (_values(deployment, item, index, names, len(shared)) for item in (pair.file, pair.other))
    except (LoaderError, NotFoundError, RefusedError):
        return None
    return int(np.count_nonzero(np.any((one != other) & both, axis=1)))


def _values(
    deployment: Deployment, item: LedgerItem, index: PointIndex, names: Sequence[str], count: int
) -> NDArray[np.float64]:
    """Return the values of a source for the points of the index, one column for each field.

    Raises:
        NotFoundError: The version that was loaded no longer exists.
        LoaderError: It cannot be read or converted.
    """
    values = np.full((count, len(names)), np.nan)
    for lines in _lines(deployment, item):
        table = SeriesTable()
        points = parse_lines(lines, names, table)
        is_present, position = index.find(pa.array(table.names, pa.string()), points["series"], points["time"])
        rows, found = position[is_present], points["values"][is_present]
        values[rows] = np.where(np.isnan(found), values[rows], found)
    return values


def _lines(deployment: Deployment, item: LedgerItem) -> Iterator[pa.StringArray]:
    """Yield the lines of each chunk that the source converts to."""
    bucket, key = bucket_and_key(item["object"])
    pinned, modified = pin(deployment.s3, RequestedObject(bucket=bucket, key=key), version_id_of(item))
    if pinned["etag"].strip('"') != item["etag"].strip('"'):
        raise NotFoundError(f"{item['object']} was replaced since it was loaded")
    settings = conversion_settings(deployment.conversion_environment())
    with PinnedObject(deployment.s3, pinned) as source:
        file = plan_file(source, pinned, validate=settings.validate, last_modified=int(modified.timestamp()))
        for part in file["parts"]:
            staging = ChunkBodies()
            convert_part(source, {"execution": "overlaps", "file": pinned, "part": part}, staging, settings)
            for body in staging.bodies.values():
                text = pa.array([gzip.decompress(body).removesuffix(b"\n")], pa.large_string())
                yield pc.list_flatten(pc.split_pattern(text, "\n")).cast(pa.string())
