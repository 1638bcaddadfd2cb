"""The rows that were set aside, as they stood in the file, with the rule and the reason."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from functions.convert_and_chunk.verdicts import Verdicts

_ADDED = ("source_row", "rule", "reason")


def quarantine_parquet(
    batches: Iterable[pa.RecordBatch], rows: NDArray[np.int64], verdicts: Verdicts, first_row: int
) -> bytes:
    """`batches` hold the part's `rows` with all columns. Equal rows give equal bytes.

    `source_row` counts over the file, in which the part begins at `first_row`.
    """
    sink, writer, written = pa.BufferOutputStream(), None, 0
    for batch in batches:
        here = rows[written : written + batch.num_rows]
        written += batch.num_rows
        rules, reasons = zip(*(verdicts.reason(code) for code in verdicts.codes[here]), strict=True)
        table = _explained(batch, (here + first_row, rules, reasons))
        writer = writer or pq.ParquetWriter(sink, table.schema, compression="zstd")
        writer.write_table(table)
    if writer:
        writer.close()
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _explained(batch: pa.RecordBatch, added: Iterable[Iterable[object]]) -> pa.Table:
    """The file's own columns, renamed where they have one of our names, and ours after them."""
    names = [f"{name}_of_file" if name in _ADDED else name for name in batch.schema.names]
    table = pa.Table.from_batches([batch]).rename_columns(names)
    for name, values in zip(_ADDED, added, strict=True):
        table = table.append_column(name, pa.array(values))
    return table
