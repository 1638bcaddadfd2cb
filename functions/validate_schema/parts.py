"""The division of a file into parts, the ranges of rows that are converted in parallel."""

from collections.abc import Sequence

from shared.events import Part

PART_ROWS = 2_000_000
"""The usual size of a part. Conversion holds a part in memory, about 40 bytes a row, and finds collisions within it."""

PARTS = 20
"""How many full parts a file may have before its parts grow.

Two neighbors together are always larger than one full part, so there are at most 40 parts.
"""


def plan_parts(group_rows: Sequence[int], part_rows: int = PART_ROWS) -> list[Part]:
    """Join neighboring row groups into parts of at most `part_rows`, and divide larger row groups. No part is empty.

    Example with `part_rows` = 100:

        row groups  60, 30, 20, 250
        parts       60 + 30, 20, 83, 83, 84        (250 in three ranges of nearly equal size)

    Args:
        group_rows: The number of rows of each row group.
        part_rows: The limit, which grows for a file of more than `PARTS` full parts.
    """
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
    """Divide rows into as few pieces as the limit allows, of nearly equal size."""
    count = -(-rows // limit)
    return [rows * (piece + 1) // count - rows * piece // count for piece in range(count)]
