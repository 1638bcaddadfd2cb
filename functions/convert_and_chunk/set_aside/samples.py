"""A few of the rows that each reason set aside, as text, for the load report."""

import numpy as np
from numpy.typing import NDArray

from functions.convert_and_chunk.columns.texts import texts
from functions.convert_and_chunk.row_groups import PartReader
from functions.convert_and_chunk.verdicts import Verdicts
from shared.stored import SetAsideReason

REASONS, SAMPLES, COLUMNS, CHARACTERS = 20, 3, 20, 80
"""So many at most: an outcome stays small, however bad the file is."""


def reasons(verdicts: Verdicts, reader: PartReader, first_row: int) -> list[SetAsideReason]:
    """The most frequent reasons with their first rows. The part begins at `first_row` of the file."""
    counts = verdicts.reason_counts
    frequent = sorted(counts, key=lambda code: -counts[code])[:REASONS]
    rows = {code: np.flatnonzero(verdicts.codes == code)[:SAMPLES] for code in frequent}
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
    """Without the columns that are empty."""
    names = list(dict.fromkeys(reader.schema.names))[:COLUMNS]
    records: list[dict[str, str]] = []
    for batch in reader.rows_at(rows, names):
        columns = {name: texts(column) for name, column in zip(batch.schema.names, batch.columns, strict=True)}
        for row in range(batch.num_rows):
            values = {name: column[row] for name, column in columns.items()}
            records.append({name: value[:CHARACTERS] for name, value in values.items() if value is not None})
    return dict(zip(rows.tolist(), records, strict=True))
