"""The footprints of a file's parts, from which RegisterLoad removes the lines that lose their place to later parts.

An older file must not leave out a value for such a line, which is never written. Before a footprint is replaced, its
content is kept in the staging area, so that a repeated RegisterLoad compares the same footprints.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from functions.register_load.footprint_cache import CACHED_PARTS, get_footprint
from functions.register_load.part_comparison import LosingLines, line_keys
from shared.footprints import Footprint, FootprintWriter, PointBlock, PointRange, read_footprint
from shared.point_index import PointIndex, translate
from shared.settings import work_bucket
from shared.work_bucket import footprint_key, staged_footprint_key, staged_footprints_prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BLOCK_LINES = 65_536
"""The number of lines of a row group."""


class OwnFootprints:
    """The footprints of one execution, as ConvertAndChunk stored them. A few are kept in memory, encoded."""

    def __init__(self, client: "S3Client", dataset: str, load_id: str, execution: str) -> None:
        self._client = client
        self._dataset, self._load = dataset, (load_id, execution)
        listing = client.list_objects_v2(Bucket=work_bucket(), Prefix=staged_footprints_prefix(*self._load))
        self._kept = {item["Key"] for item in listing.get("Contents", [])}
        self._download = lru_cache(CACHED_PARTS)(self._get_object)

    def read(self, part: int, within: PointRange | None = None) -> Footprint:
        """Return the footprint of a part, or only what may be in a range."""
        return read_footprint(self._download(part), within)

    def keep(self, part: int) -> None:
        """Store the footprint of a part in the staging area too."""
        self._put(staged_footprint_key(*self._load, part), self._download(part))

    def replace(self, part: int, index: PointIndex, losing: LosingLines, names: Sequence[str]) -> None:
        """Replace the footprint of a part by one without some of its lines."""
        footprint = self.read(part)
        self._put(footprint_key(self._dataset, *self._load, part), without_lines(footprint, index, losing, names))

    def _get_object(self, part: int) -> bytes:
        staged = staged_footprint_key(*self._load, part)
        key = staged if staged in self._kept else footprint_key(self._dataset, *self._load, part)
        return get_footprint(self._client, key)

    def _put(self, key: str, content: bytes) -> None:
        self._client.put_object(Bucket=work_bucket(), Key=key, Body=content)


def without_lines(footprint: Footprint, index: PointIndex, losing: LosingLines, names: Sequence[str]) -> bytes:
    """Encode a footprint without the lines that lose their place.

    Args:
        footprint: The footprint.
        index: The index of its points.
        losing: The lines, whose points are positions in the index. A point has no two lines with the same fields.
        names: The fields of the dataset, in the order of the bits of the lines.
    """
    numbers, time, fields = footprint.points
    _, point = index.find(pa.array(footprint.series, pa.string()), numbers, time)
    lost_points = np.concatenate([losing.collapsed.point, losing.colliding.point])
    lost_fields = np.concatenate([losing.collapsed.fields, losing.colliding.fields])
    masks = np.unique(lost_fields)
    keys = line_keys(point, translate(fields, footprint.names, names), masks)
    remaining = np.flatnonzero(~np.isin(keys, line_keys(lost_points, lost_fields, masks)))
    writer = FootprintWriter(pa.array(footprint.series, pa.string()), footprint.names)
    for first in range(0, len(remaining), BLOCK_LINES):
        lines = remaining[first : first + BLOCK_LINES]
        writer.write(PointBlock(numbers[lines], time[lines], fields[lines]))
    return writer.close()
