"""The rows that were set aside, as they stood in the file, with the rule and the reason."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from functions.convert_and_chunk.verdicts import COLLAPSED, Verdicts

_COLUMNS = (("source_row", pa.int64()), ("rule", pa.string()), ("reason", pa.string()))


def set_aside_table(batches: Iterable[pa.RecordBatch], verdicts: Verdicts, first_row: int) -> pa.Table:
    """The rows of `batches` (all columns, from the part's first row on) whose verdict is a reason.

    `source_row` counts from 0 over the file, in which the part begins at `first_row`.
    """
    tables, seen = [], 0
    for batch in batches:
        rows = seen + np.flatnonzero(verdicts.codes[seen : seen + batch.num_rows] > COLLAPSED)
        reasons = [verdicts.reason(int(code)) for code in verdicts.codes[rows]]
        table = pa.Table.from_batches([batch]).take(pa.array(rows - seen))
        values = (rows + first_row, [reason.rule for reason in reasons], [reason.text for reason in reasons])
        for (name, kind), column in zip(_COLUMNS, values, strict=True):
            table = table.append_column(name, pa.array(column, kind))
        tables.append(table)
        seen += batch.num_rows
    return pa.concat_tables(tables).unify_dictionaries()


def as_parquet(table: pa.Table) -> pa.Buffer:
    """Equal tables give equal bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
