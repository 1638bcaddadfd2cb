"""Text as dictionaries: the check of what Arrow read, and the encoding of what it cannot read that way."""

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from shared.column_types import is_text


def check_indices(batch: pa.RecordBatch) -> None:
    """Raise ArrowInvalid if an index is outside its dictionary. Arrow uses the indices of a file without a check."""
    for column in batch.columns:
        if types.is_dictionary(column.type):
            first, last = pc.min_max(column.indices).as_py().values()
            if first is not None and not 0 <= first <= last < len(column.dictionary):
                raise pa.ArrowInvalid(f"index {last} into a dictionary of {len(column.dictionary)} values")


def encode_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Encode text as dictionaries of the types that Arrow's reader uses, so that all batches have the same schema."""
    columns = [_encode(column) if is_text(column.type) else column for column in batch.columns]
    fields = [field.with_type(column.type) for field, column in zip(batch.schema, columns, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields, batch.schema.metadata))


def _encode(column: pa.Array) -> pa.Array:
    return column.cast(pa.string() if "string" in str(column.type) else pa.binary()).dictionary_encode()
