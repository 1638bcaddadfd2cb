"""Cut a file into parts, the ranges of rows that are converted side by side."""

from collections.abc import Sequence

from shared.events import Part

PART_ROWS = 2_000_000
"""A part is held in memory while it is converted, some 40 bytes a row; collisions are looked for inside a part."""

PARTS = 20
"""Beyond this many full parts the parts grow: two neighbours always exceed one, so there are at most 40."""


def plan_parts(group_rows: Sequence[int], part_rows: int = PART_ROWS) -> list[Part]:
    """Neighbouring row groups joined up to `part_rows`; a larger row group is cut into equal ranges. No empty parts."""
    limit = max(part_rows, -(-sum(group_rows) // PARTS))
    parts: list[Part] = []
    first_row = 0
    for group, rows in enumerate(group_rows):
        for count in _pieces(rows, limit):
            if parts and parts[-1]["rows"] + count <= limit:
                parts[-1]["rows"] += count
                parts[-1]["end_group"] = group + 1
            else:
                parts.append(_part(len(parts), group, first_row, count))
            first_row += count
    return parts


def _part(number: int, group: int, first_row: int, rows: int) -> Part:
    return {"part": number, "first_group": group, "end_group": group + 1, "first_row": first_row, "rows": rows}


def _pieces(rows: int, limit: int) -> list[int]:
    """As few as the limit allows, as equal as whole rows are."""
    count = -(-rows // limit)
    return [rows * (piece + 1) // count - rows * piece // count for piece in range(count)]
