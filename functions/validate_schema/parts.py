"""Cut a file into parts, the ranges of row groups that are converted side by side."""

from collections.abc import Sequence

from shared.events import Part

PART_ROWS = 4_000_000
"""A part is converted by one function within minutes; collisions are looked for inside a part."""

PARTS = 20
"""Beyond this many full parts the parts grow: two neighbours always exceed one, so there are at most 40."""


def plan_parts(group_rows: Sequence[int], part_rows: int = PART_ROWS) -> list[Part]:
    """Neighbouring row groups joined up to `part_rows`; a larger row group is a part of its own. No empty parts."""
    limit = max(part_rows, -(-sum(group_rows) // PARTS))
    parts: list[Part] = []
    first_row = 0
    for group, rows in enumerate(group_rows):
        if parts and parts[-1]["rows"] + rows <= limit:
            parts[-1]["rows"] += rows
            parts[-1]["end_group"] = group + 1
        elif rows:
            parts.append(
                {"part": len(parts), "first_group": group, "end_group": group + 1, "first_row": first_row, "rows": rows}
            )
        first_row += rows
    return parts
