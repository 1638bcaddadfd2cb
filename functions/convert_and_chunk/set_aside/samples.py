"""The most frequent reasons, and for each a few of the rows that it set aside, as text for the report."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from functions.convert_and_chunk.columns.texts import texts
from functions.convert_and_chunk.row_groups import PartReader
from functions.convert_and_chunk.verdicts import Verdicts
from shared.bounded_text import bound
from shared.stored import SetAsideReason

MAX_REASONS, MAX_SAMPLES, MAX_COLUMNS, MAX_CHARACTERS = 20, 3, 20, 80
"""The limits that keep an outcome small, however bad the file is."""


def reasons_with_samples(verdicts: Verdicts, reader: PartReader, first_row: int) -> list[SetAsideReason]:
    """Return the most frequent reasons, each with the first rows that it set aside.

    Args:
        verdicts: The verdicts on the rows of the part.
        reader: The reader of the part, for the values of the rows.
        first_row: The row of the file with which the part begins.
    """
    counts = verdicts.reason_counts
    frequent = sorted(counts, key=lambda code: -counts[code])[:MAX_REASONS]
    rows = {code: np.flatnonzero(verdicts.codes == code)[:MAX_SAMPLES] for code in frequent}
    records = _records(reader, np.unique(np.concatenate(list(rows.values())))) if rows else {}
    return [
        {
            "rule": verdicts.reason(code).rule,
            "reason": verdicts.reason(code).text,
            "rows": counts[code],
            "samples": [{"source_row": int(row) + first_row, "record": records[int(row)]} for row in rows[code]],
        }
        for code in frequent
    ]


def _records(reader: PartReader, rows: NDArray[np.int64]) -> dict[int, dict[str, str]]:
    """Read the rows as text, by row number. Columns without a value are left out."""
    names = list(dict.fromkeys(reader.schema.names))[:MAX_COLUMNS]
    return dict(zip(rows.tolist(), reader.read_rows(rows, names, _texts), strict=True))


def _texts(batches: Iterable[pa.RecordBatch]) -> list[dict[str, str]]:
    """Return the values of each row as text."""
    records = []
    for batch in batches:
        columns = {name: texts(column) for name, column in zip(batch.schema.names, batch.columns, strict=True)}
        for row in range(batch.num_rows):
            values = {bound(name, MAX_CHARACTERS): column[row] for name, column in columns.items()}
            records.append({name: value[:MAX_CHARACTERS] for name, value in values.items() if value is not None})
    return records
