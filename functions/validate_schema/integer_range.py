"""The range of a column of integers according to the statistics in the footer."""

import pyarrow.parquet as pq


def integer_range(metadata: pq.FileMetaData, column: str) -> tuple[int, int] | None:
    """Return the smallest and the largest value of a column, or None if its statistics do not tell.

    Args:
        metadata: The footer.
        column: The name of a column that is not nested.
    """
    paths = [metadata.schema.column(number).path for number in range(metadata.num_columns)]
    if paths.count(column) != 1:
        return None
    chunks = (metadata.row_group(group).column(paths.index(column)) for group in range(metadata.num_row_groups))
    statistics = [chunk.statistics for chunk in chunks if chunk.num_values]
    if not statistics or not all(each and each.has_min_max and isinstance(each.min, int) for each in statistics):
        return None
    return min(each.min for each in statistics), max(each.max for each in statistics)
