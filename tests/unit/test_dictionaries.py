"""Columns as dictionaries: each row's key identifies its combination of values."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from functions.convert_and_chunk.columns.dictionaries import Encoded, combine, encode, text_values


def test_null_is_the_last_value() -> None:
    column = encode(pa.array(["b", None, "a", "b"]))
    assert [text_values(column.dictionary)[code] for code in column.codes] == ["b", None, "a", "b"]


def test_integers_are_values_as_text() -> None:
    assert text_values(encode(pa.array([7, 8])).dictionary) == ["7", "8", None]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 4)), min_size=1))
def test_keys_are_equal_where_all_columns_are(rows: list[tuple[int, int, int]]) -> None:
    columns = [encode(pa.array([row[place] for row in rows])) for place in range(3)]
    keys, limit, reusable = combine(columns, len(rows))
    assert len(set(zip(rows, keys.tolist(), strict=True))) == len(set(rows)) == len(set(keys.tolist()))
    assert max(keys) < limit
    assert reusable


def test_keys_beyond_32_bits_do_not_wrap_onto_each_other() -> None:
    dictionary = pa.array(range(2**11 - 1))
    columns = [Encoded(dictionary, np.array(codes, np.int32)) for codes in ([0, 2**10], [0, 0], [0, 0])]
    keys, _, reusable = combine(columns, 2)
    assert keys.tolist() == [0, 2**32]
    assert reusable


def test_keys_beyond_64_bits_do_not_wrap_onto_each_other() -> None:
    dictionary = pa.array(range(2**13 - 1))
    columns = [Encoded(dictionary, np.array(codes, np.int32)) for codes in ([0, 2**12], *[[0, 0]] * 4)]
    keys, _, reusable = combine(columns, 2)
    assert len(set(keys.tolist())) == 2
    assert not reusable
