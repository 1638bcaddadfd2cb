"""The quarantine file of a part: the rows that were set aside, unchanged, with their rule and reason."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from functions.convert_and_chunk.verdicts import Verdicts
from shared.errors import AccountingError

_ADDED_COLUMNS = ("source_row", "rule", "reason")


def quarantine_parquet(
    batches: Iterable[pa.RecordBatch], rows: NDArray[np.int64], verdicts: Verdicts, first_row: int
) -> bytes:
    """Return a Parquet file of the rows that are set aside. Equal rows give equal bytes.

    Args:
        batches: The rows with all columns of the file.
        rows: The number of each row in the part, ascending.
        verdicts: The verdicts on all rows of the part.
        first_row: The row of the file with which the part begins; the column `source_row` counts over the file.

    Raises:
        AccountingError: The batches hold another number of rows than are counted as set aside.
    """
    sink, writer, position = pa.BufferOutputStream(), None, 0
    for batch in batches:
        batch_rows = rows[position : position + batch.num_rows]
        position += batch.num_rows
        rules, reasons = zip(*(verdicts.reason(code) for code in verdicts.codes[batch_rows]), strict=True)
        table = _with_columns(batch, (batch_rows + first_row, rules, reasons))
        writer = writer or pq.ParquetWriter(sink, table.schema, compression="zstd")
        writer.write_table(table)
    if position != len(rows):
        raise AccountingError(
            f"{len(rows)} rows are set aside, but {position} were read for the quarantine: report this as a bug"
        )
    if writer:
        writer.close()
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _with_columns(batch: pa.RecordBatch, columns: Iterable[Iterable[object]]) -> pa.Table:
    """Append our columns to those of the file, which are renamed if they have the name of one of ours."""
    names = [f"{name}_of_file" if name in _ADDED_COLUMNS else name for name in batch.schema.names]
    table = pa.Table.from_batches([batch]).rename_columns(names)
    for name, values in zip(_ADDED_COLUMNS, columns, strict=True):
        table = table.append_column(name, pa.array(values))
    return table
