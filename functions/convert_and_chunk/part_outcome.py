"""The outcome of a part, as far as it is clear before the first line is staged."""

import numpy as np

from functions.convert_and_chunk.line_protocol import as_slice
from functions.convert_and_chunk.point_order import BLOCK_LINES
from functions.convert_and_chunk.profile import RowGroups, profile
from functions.convert_and_chunk.records import ALL_NULL, Records
from functions.convert_and_chunk.tag_values import TagSets
from shared.events import Part
from shared.stored import PartOutcome


def part_outcome(records: Records, part: Part) -> PartOutcome:
    """Return the outcome without what staging counts, and without the reasons of rows that are set aside."""
    lines = records.verdicts.lines
    has_line = np.zeros(len(records.tag_sets.prefixes), bool)
    for rows in records.verdicts.line_blocks(BLOCK_LINES):
        has_line[records.series[as_slice(rows)]] = True
    tag_sets = TagSets(records.tag_sets.prefixes, has_line, records.columns.tags)
    groups = tag_sets.groups(records.dataset.required_tags)
    row_groups = RowGroups(groups.tag, groups.names, groups.codes, records.series) if groups else None
    return {
        "part": part["part"],
        "rows": part["rows"],
        "points": 0,
        "collapsed": records.verdicts.collapsed,
        "set_aside": records.verdicts.set_aside,
        "all_null": records.verdicts.count_rows(ALL_NULL),
        "fields_left_out": {name: count for name, count in records.left_out.items() if count},
        "out_of_bounds": records.out_of_bounds(),
        "ignored_columns": list(records.columns.ignored),
        "collision_columns": [],
        "reasons": [],
        "batches": 0,
        "chunks": [],
        "body_bytes": 0,
        "series": int(np.count_nonzero(has_line)),
        "tag_values": tag_sets.values(),
        "profile": profile(records.time, records.fields, lines, row_groups) if len(lines) else None,
        "local_times": records.local_times,
        "implausible_span": records.implausible_span(),
        "started_at": "",
        "seconds": 0.0,
    }
