"""Windows: the row groups of a part that are read together.

A file may have thousands of small row groups. One request to S3 for each would take longer than everything else.
"""

from typing import NamedTuple

import pyarrow.parquet as pq

from shared.events import Part

WINDOW_BYTES = 16 << 20
"""The size in bytes, uncompressed, up to which row groups are fetched together. A larger row group is streamed.

The compressed size of a column would fit better, but pyarrow crashes when it is asked for that of a damaged column.
"""


MAX_EXPANSION = 1 << 15
"""The largest believable ratio of uncompressed to stored bytes: zstd stores 128 KiB of equal bytes in 4."""

USUAL_VALUE_BYTES = 8
"""The size of a value, for footers without a size."""


class Window(NamedTuple):
    """Row groups that are read together.

    `first` is the number of their first row, counted from the first row of the part. It is negative for a part that
    begins inside a row group.
    """

    groups: list[int]
    first: int
    rows: int
    unpacked_bytes: int


def windows(footer: pq.FileMetaData, part: Part, file_bytes: int) -> list[Window]:
    """Group the row groups of a part into windows of at most WINDOW_BYTES; a larger row group is a window of its own.

    Example: three row groups of 10 rows and 6 MiB each, and a part of the rows 12 to 29, which begins inside the second
    row group. The second row group begins at row 10 - 12 = -2 of the part. Together with the third it has 12 MiB, so
    both are one window.

    >>> from types import SimpleNamespace
    >>> footer = SimpleNamespace(row_group=lambda _: SimpleNamespace(num_rows=10, total_byte_size=6 << 20))
    >>> part = {"part": 0, "first_group": 1, "end_group": 3, "first_row": 12, "rows": 18}
    >>> windows(footer, part, file_bytes=1 << 20)
    [Window(groups=[1, 2], first=-2, rows=20, unpacked_bytes=12582912)]

    Args:
        footer: The footer.
        part: The part.
        file_bytes: The size of the file.
    """
    group_rows = [footer.row_group(group).num_rows for group in range(part["end_group"])]
    first = sum(group_rows[: part["first_group"]]) - part["first_row"]
    result: list[Window] = []
    for group in range(part["first_group"], part["end_group"]):
        unpacked = _unpacked_bytes(footer.row_group(group), file_bytes)
        fits = result and result[-1].unpacked_bytes + unpacked <= WINDOW_BYTES
        last = result.pop() if fits else Window([], first, 0, 0)
        result.append(
            Window([*last.groups, group], last.first, last.rows + group_rows[group], last.unpacked_bytes + unpacked)
        )
        first += group_rows[group]
    return result


def _unpacked_bytes(group: pq.RowGroupMetaData, file_bytes: int) -> int:
    """Return the uncompressed size of a row group as its footer claims it, or as it is believable.

    A claim that is much too large would make record batches of single rows, and one that is not positive would make
    one window of everything. Some writers claim 0.
    """
    if group.total_byte_size <= 0:
        return int(group.num_rows * group.num_columns * USUAL_VALUE_BYTES)
    return int(min(group.total_byte_size, file_bytes * MAX_EXPANSION))
