"""The quarantine file of the rows of a part that a later part of the file contradicts.

`quarantine_parquet` gets the rows from their staged lines: they have the declared columns as they were converted, and
none of the ignored ones.
"""

import io
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from functions.register_load.lines import Lines, parse_values
from functions.register_load.staging import Rows
from shared.datasets import Dataset
from shared.errors import AccountingError
from shared.stored import COLLISION, COLLISION_REASON, SetAsideRow

MAX_SAMPLES, MAX_CHARACTERS = 3, 80
"""The limits of the samples in the report."""

_TAG = re.compile(r"(?<!\\),")


class Quarantined(NamedTuple):
    """A Parquet file of rows, and the first of them as samples for the report."""

    parquet: bytes
    samples: list[SetAsideRow]


def quarantine_parquet(chunks: Iterable[tuple[Lines, Rows]], rows: Rows, dataset: Dataset) -> Quarantined:
    """Return the quarantine file of these source rows. Equal rows give equal bytes.

    Args:
        chunks: The lines of each chunk, and their source rows.
        rows: The source rows to quarantine, ascending.
        dataset: The dataset of the file.

    Raises:
        AccountingError: The chunks do not have a line for each row.
    """
    table = pa.concat_tables(_tables(chunks, rows, dataset), promote_options="permissive").sort_by("source_row")
    if table["source_row"].to_pylist() != rows.tolist():
        raise AccountingError(
            f"{len(rows)} rows collide with later parts, but {len(table)} were read for the quarantine: report this as "
            "a bug"
        )
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return Quarantined(sink.getvalue(), [_sample(row) for row in table.slice(0, MAX_SAMPLES).to_pylist()])


def _tables(chunks: Iterable[tuple[Lines, Rows]], rows: Rows, dataset: Dataset) -> Iterator[pa.Table]:
    for lines, of_lines in chunks:
        selected = np.flatnonzero(np.isin(of_lines, rows))
        at = pa.array(selected)
        tags = [parse_tags(series) for series in lines.series.dictionary.to_pylist()]
        names = [name for name in dataset.tags if any(name in each for each in tags)]
        columns = {dataset.timestamp: pa.array(lines.time[selected], pa.timestamp("ns", "UTC")).cast(pa.string())}
        for name in names:
            values = pa.array([each.get(name) for each in tags], pa.string())
            columns[name] = values.take(lines.series.indices.take(at))
        columns |= parse_values(lines.values.take(at), dataset.field_names)
        yield pa.table(
            columns
            | {
                "source_row": pa.array(of_lines[selected]),
                "rule": pa.repeat(COLLISION, len(selected)),
                "reason": pa.repeat(COLLISION_REASON, len(selected)),
            }
        )


def parse_tags(series: str) -> dict[str, str]:
    r"""Return the tags of a series, without escapes.

    >>> parse_tags(r"m,region=SE,plant\ name=a\,b\=c")
    {'region': 'SE', 'plant name': 'a,b=c'}
    """
    pairs = (re.split(r"(?<!\\)=", tag, maxsplit=1) for tag in _TAG.split(series)[1:])
    return {_unescape(name): _unescape(value) for name, value in pairs}


def _unescape(text: str) -> str:
    return re.sub(r"\\([,= ])", r"\1", text)


def _sample(row: dict[str, object]) -> SetAsideRow:
    added = ("source_row", "rule", "reason")
    record = {
        name: str(value)[:MAX_CHARACTERS] for name, value in row.items() if name not in added and value is not None
    }
    return {"source_row": int(str(row["source_row"])), "record": record}
