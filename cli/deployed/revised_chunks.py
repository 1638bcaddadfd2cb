"""The chunks that a load sent without the values of newer files, made again from its source after they have expired.

Footprints do not expire, and the outcome of a part names those of the newer loads (`superseded_by`).
"""

import gzip
from collections.abc import Iterator, Mapping

from cli.deployed.stack import Deployment
from functions.register_load.lines import parse_lines
from functions.register_load.restaging import without_fields
from functions.register_load.staging import select_lines, source_rows
from shared.footprints import Footprint, read_footprint
from shared.packed_batches import StagedChunk
from shared.point_index import PointIndex
from shared.stored import PartOutcome
from shared.work_bucket import REVISED


def revised_chunks(
    deployment: Deployment, outcome: PartOutcome, staged: Mapping[str, StagedChunk], footprint: Footprint
) -> dict[str, bytes]:
    """Return the bodies of the chunks of a part that were sent without values of newer files, by name.

    Args:
        deployment: The stack that sent them.
        outcome: The outcome of the part.
        staged: The chunks with all values, by name.
        footprint: The footprint of the part.
    """
    names = footprint.names
    index, bodies = PointIndex(footprint, names), dict[str, bytes]()
    shared = index.shared_fields(_newer(deployment, outcome, index))
    sent = {chunk["chunk"] for chunk in outcome["chunks"]}
    for name, chunk in staged.items():
        if name + REVISED in sent:
            lines, rows = parse_lines(gzip.decompress(chunk.body), names), source_rows(chunk.manifest)
            fields = without_fields(index, lines, shared)
            if revised := select_lines(lines, fields, rows, chunk.manifest, names):
                bodies[name + REVISED] = revised.body
    return bodies


def _newer(deployment: Deployment, outcome: PartOutcome, index: PointIndex) -> Iterator[Footprint]:
    """Yield the footprints of the newer loads, as far as they may have points of the part."""
    for prefix in outcome.get("superseded_by", ()):
        for key in sorted(deployment.work_keys(prefix)):
            footprint = read_footprint(deployment.work_object(key), index.range)
            if footprint.series:
                yield footprint
