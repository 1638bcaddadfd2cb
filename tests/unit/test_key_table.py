"""Both tables of keys give the same numbers and verdicts, and the choice between them bounds the memory."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from functions.convert_and_chunk.columns.key_table import NEW, DirectTable, SortedTable, key_table

ALL_KEYS = 50


@given(st.lists(st.sets(st.integers(0, ALL_KEYS - 1), min_size=1), min_size=1), st.integers(0, 3))
def test_both_tables_number_keys_equally(additions: list[set[int]], verdict: int) -> None:
    expected: dict[int, int] = {}
    tables = (DirectTable(ALL_KEYS), SortedTable())
    for addition in additions:
        new = np.array([key for key in addition if key not in expected], np.int64)
        numbers = np.arange(len(expected), len(expected) + len(new), dtype=np.int32)
        expected |= dict(zip(new.tolist(), numbers.tolist(), strict=True))
        for table in tables:
            table.add(new, numbers, (new % 3 == verdict).astype(np.uint16))
    present, every = np.array(list(expected)), np.arange(ALL_KEYS)
    for table in tables:
        assert table.numbers(every).tolist() == [expected.get(key, NEW) for key in range(ALL_KEYS)]
        assert table.verdicts(present).tolist() == [key % 3 == verdict for key in expected]
        assert table.has_verdicts == any(key % 3 == verdict for key in expected)


def test_a_table_with_all_possible_keys_is_only_used_if_they_are_few_for_the_rows() -> None:
    assert isinstance(key_table(16_000, rows=1_000), DirectTable)
    assert isinstance(key_table(16_001, rows=1_000), SortedTable)
