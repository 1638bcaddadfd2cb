"""The rows of a part that lose their place to rows of later parts: CompareParts stores them for ConvertAgain."""

import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.settings import work_bucket
from shared.work_bucket import losing_rows_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class LosingRows(NamedTuple):
    """The source rows of one part that a later part repeats exactly, and those that it contradicts, both ascending."""

    collapsed: NDArray[np.int64]
    colliding: NDArray[np.int64]

    @property
    def any(self) -> bool:
        """Whether there is any row."""
        return bool(len(self.collapsed) or len(self.colliding))

    def from_row(self, first: int) -> "LosingRows":
        """Return the rows counted from the row `first` of the file."""
        return LosingRows(self.collapsed - first, self.colliding - first)


NO_LOSING_ROWS = LosingRows(np.empty(0, np.int64), np.empty(0, np.int64))


def encode_losing_rows(rows: LosingRows) -> bytes:
    """Return the rows as Parquet.

    >>> rows = LosingRows(np.array([7, 9]), np.array([8]))
    >>> [column.tolist() for column in decode_losing_rows(encode_losing_rows(rows))]
    [[7, 9], [8]]
    """
    collides = np.repeat([False, True], [len(rows.collapsed), len(rows.colliding)])
    table = pa.table({"source_row": np.concatenate(rows), "collides": collides})
    sink = io.BytesIO()
    encoding = {"source_row": "DELTA_BINARY_PACKED"}
    pq.write_table(table, sink, compression="zstd", use_dictionary=False, column_encoding=encoding)
    return sink.getvalue()


def decode_losing_rows(content: bytes) -> LosingRows:
    """Return the rows that `encode_losing_rows` has encoded."""
    table = pq.ParquetFile(io.BytesIO(content)).read()
    rows, collides = (table.column(name).to_numpy() for name in ("source_row", "collides"))
    return LosingRows(rows[~collides], rows[collides])


def put_losing_rows(client: "S3Client", load_id: str, execution: str, part: int, rows: LosingRows) -> None:
    """Store the rows of a part in the work bucket."""
    key = losing_rows_key(load_id, execution, part)
    client.put_object(Bucket=work_bucket(), Key=key, Body=encode_losing_rows(rows))


def get_losing_rows(client: "S3Client", load_id: str, execution: str, part: int) -> LosingRows:
    """Return the rows of a part from the work bucket."""
    key = losing_rows_key(load_id, execution, part)
    return decode_losing_rows(client.get_object(Bucket=work_bucket(), Key=key)["Body"].read())
