"""The rows of a part that its load did not send, since rows of later parts took their place.

Their numbers expire with the staged chunks, but the footprint of the part remains, and does not have their lines.
"""

import gzip
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from functions.register_load.lines import parse_lines
from functions.register_load.staging import Rows, source_rows
from shared.footprints import Footprint
from shared.packed_batches import StagedChunk
from shared.point_index import PointIndex, field_keys, translate


def missing_rows(staged: Sequence[StagedChunk], footprint: Footprint, names: Sequence[str]) -> Rows:
    """Return the source rows of the lines that a footprint does not have, ascending.

    Args:
        staged: The chunks of all lines of the part.
        footprint: The footprint of the lines that were sent, of which there is at least one.
        names: The fields of the dataset.
    """
    index = PointIndex(footprint, names)
    numbers, time, fields = footprint.points
    fields = translate(fields, footprint.names, names)
    masks, series = np.unique(fields), pa.array(footprint.series, pa.string())
    sent = field_keys(index.find(series, numbers, time).position, fields, masks)
    missing = []
    for chunk in staged:
        lines, rows = parse_lines(gzip.decompress(chunk.body), names), source_rows(chunk.manifest)
        is_present, position = index.find(lines.series.dictionary, lines.series.indices.to_numpy(), lines.time)
        missing.append(rows[~(is_present & np.isin(field_keys(position, lines.fields, masks), sent))])
    return np.sort(np.concatenate(missing))
