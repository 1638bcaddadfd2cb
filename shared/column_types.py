"""The Arrow types that the columns of a dataset may have."""

from collections.abc import Callable

import pyarrow as pa
from pyarrow import types

from shared.datasets import Dataset


def accepts(kind: pa.DataType, name: str, dataset: Dataset) -> bool:
    """Return whether the column of a declared name may have the type `kind`, dictionary-encoded or not."""
    value_type = kind.value_type if types.is_dictionary(kind) else kind
    if isinstance(value_type, pa.JsonType):  # a text, whatever it says
        value_type = value_type.storage_type
    return bool(types.is_null(value_type) or _test(name, dataset)(value_type))


def expected_content(name: str, dataset: Dataset) -> str:
    """Return in words what the column of a declared name holds."""
    if name == dataset.timestamp:
        return f"integers ({dataset.epoch} since 1970)" if dataset.epoch else "timestamps"
    return "text" if name in dataset.tags or name == "unit" else "numbers"


def type_name(kind: pa.DataType) -> str:
    """Return the name of a type, for people: Parquet's own name if Arrow has no type for a column."""
    return str(kind.type_name) if isinstance(kind, pa.OpaqueType) else str(kind)


def is_text(kind: pa.DataType) -> bool:
    """Return whether `kind` is text in any of Arrow's forms.

    Binary counts as text, since some writers omit the annotation that distinguishes them.
    """
    text = (types.is_string, types.is_large_string, types.is_string_view)
    binary = (types.is_binary, types.is_large_binary, types.is_binary_view)
    return any(test(kind) for test in (*text, *binary))


def _test(name: str, dataset: Dataset) -> Callable[[pa.DataType], bool]:
    if name == dataset.timestamp:
        return types.is_integer if dataset.epoch else _is_time
    return _is_label if name in dataset.tags or name == "unit" else _is_number


def _is_label(kind: pa.DataType) -> bool:
    return is_text(kind) or types.is_integer(kind) or isinstance(kind, pa.UuidType)


def _is_number(kind: pa.DataType) -> bool:
    return is_text(kind) or types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind)


def _is_time(kind: pa.DataType) -> bool:
    return is_text(kind) or types.is_timestamp(kind) or types.is_date(kind)
