"""The series of each row: distinct tag sets are rendered once, and rows refer to them by number.

A record batch has few distinct tag sets, so the work per row is only arithmetic and one lookup:

1. `_encode_tag` encodes each tag as a dictionary, and renders and judges those of its values that are new.
2. `combine` (in `dictionaries`) makes one key of the codes of all tags of a row.
3. `Series.numbers` looks the keys up in a `KeyTable`. Only new keys are rendered, by `_add_keys`.
4. `SeriesNumbers` numbers the rendered tag sets. Different keys can be one series, as "N" and "N " are.

Keys are valid while the dictionaries of all tags stay the same; then the table starts anew. Numbers of series are
provisional until `settle`, and then valid for the whole part. No step takes longer, the more tag sets there are.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from functions.convert_and_chunk.columns.dictionaries import Encoded, combine, encode
from functions.convert_and_chunk.columns.key_table import NEW, KeyArray, KeyTable, key_table
from functions.convert_and_chunk.columns.series_numbers import SeriesNumbers
from functions.convert_and_chunk.columns.tags import MAX_KEY_BYTES, render_tags
from functions.convert_and_chunk.verdicts import LINE, Reason, Verdicts
from shared.datasets import Dataset

_TOO_LONG = Reason("unusable_tag", f"measurement and tags are longer than {MAX_KEY_BYTES} bytes")


class RenderedTag(NamedTuple):
    """The values of one tag, the last of them null: for each its piece of the line, and LINE or a verdict on rows."""

    dictionary: pa.Array
    pieces: pa.Array
    verdicts: NDArray[np.uint16]


class Series:
    """All series of a part. `prefixes[number]` is the measurement and the tags, escaped, and the space after them.

    >>> from shared.datasets import DATASETS
    >>> series = Series(DATASETS["generation"], ("region",), Verdicts(3), validate=True)
    >>> series.settle(series.numbers(pa.record_batch({"region": ["N", "S", "N "]}), slice(0, 3))).tolist()
    [0, 1, 0]
    >>> series.prefixes.to_pylist()
    ['generation_data,region=N ', 'generation_data,region=S ']
    """

    def __init__(self, dataset: Dataset, tags: tuple[str, ...], verdicts: Verdicts, *, validate: bool) -> None:
        self._measurement = dataset.measurement
        self._required = dataset.required_tags if validate else ()
        self._verdicts = verdicts
        self._names = sorted(tags)
        self._tags: dict[str, RenderedTag] = {}
        self._table: KeyTable | None = None  # none yet, or none for the dictionaries of the next record batch
        self._numbers = SeriesNumbers()

    @property
    def prefixes(self) -> pa.Array:
        """The prefix of each series, after `settle`."""
        return self._numbers.prefixes

    def settle(self, series: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the series numbers of all rows of the part, from those that `numbers` returned."""
        self._table = None
        return self._numbers.settle(series)

    def numbers(self, batch: pa.RecordBatch, rows: slice) -> NDArray[np.int32]:
        """Return the provisional series number of each row, and set aside rows with unusable tags.

        Example: the regions "N", "S", "N", "N " have the codes 0, 1, 0, 2. With one tag, the codes are the keys. In the
        first record batch all keys are new, so 0, 1 and 2 are rendered as N, S and N and get the numbers 0, 1 and 2,
        of which `settle` makes 0, 1 and 0. In the next record batch with this dictionary, no key is new.

        Args:
            batch: The record batch, with the tags under the names of the dataset.
            rows: The rows of the part that the record batch holds.
        """
        columns = [self._encode_tag(name, batch.column(name)) for name in self._names]
        keys, limit, reusable = combine(columns, batch.num_rows)
        if self._table is None or not reusable:
            self._table = key_table(limit, batch.num_rows)
        numbers = self._table.numbers(keys)
        if len(new_rows := np.flatnonzero(numbers == NEW)):
            self._add_keys(self._table, columns, keys, new_rows)
            numbers = self._table.numbers(keys)
        if self._table.has_verdicts:
            self._verdicts.add_codes(rows, self._table.verdicts(keys))
        return numbers

    def _add_keys(self, table: KeyTable, columns: list[Encoded], keys: KeyArray, new_rows: NDArray[np.int64]) -> None:
        """Render the tag set of each new key, from the first row that has it.

        Example: the keys 7 and 9 are first seen in rows 1 and 3. The pieces of row 1 are "generation_data",
        ",energy_source=hydro" and ",region=N", which joined with a space after them are its prefix. A tag set has the
        verdict of the first of its tags that is not usable.
        """
        new_keys, first_rows = _first_rows(keys, new_rows)
        pieces, verdicts = [pa.repeat(self._measurement, len(new_keys))], np.zeros(len(new_keys), np.uint16)
        for name, column in zip(self._names, columns, strict=True):
            tag, codes = self._tags[name], column.codes[first_rows]
            pieces.append(tag.pieces.take(pa.array(codes)))
            verdicts = np.where(verdicts == LINE, tag.verdicts[codes], verdicts)
        prefixes = pc.binary_join_element_wise(*pieces, " ", "")  # the last argument is the separator
        verdicts[pc.binary_length(prefixes).to_numpy() > MAX_KEY_BYTES] = self._verdicts.code(_TOO_LONG)
        table.add(new_keys, self._numbers.add(prefixes), verdicts)

    def _encode_tag(self, name: str, array: pa.Array) -> Encoded:
        """Encode a tag, and render its values unless the dictionary is that of the record batch before."""
        column, last = encode(array), self._tags.get(name)
        if last is None or not last.dictionary.equals(column.dictionary):
            self._table = None
            self._tags[name] = self._render(name, column.dictionary, last)
        return column

    def _render(self, name: str, dictionary: pa.Array, last: RenderedTag | None) -> RenderedTag:
        """Render the values of a new dictionary.

        Arrow appends to the dictionary of the record batch before if the file has no dictionary of all values. Then
        only the values at the end are new.
        """
        if last is None or not dictionary.slice(0, len(last.dictionary)).equals(last.dictionary):
            last = RenderedTag(dictionary.slice(0, 0), pa.nulls(1, pa.string()), np.zeros(1, np.uint16))
        old = len(last.dictionary)
        pieces, reasons = render_tags(name, dictionary.slice(old), required=name in self._required)
        verdicts = np.zeros(len(pieces), np.uint16)
        for position, reason in reasons.items():
            verdicts[position] = self._verdicts.code(reason)
        return RenderedTag(
            dictionary,
            pa.concat_arrays([last.pieces.slice(0, old), pieces]),
            np.concatenate([last.verdicts[:old], verdicts]),
        )


def _first_rows(keys: KeyArray, rows: NDArray[np.int64]) -> tuple[KeyArray, NDArray[np.int64]]:
    """Return the distinct keys of the given rows, in the order in which they occur, and the first row of each.

    Example: rows 1 to 3 have the keys 7, 7 and 9. They are written in reverse, so the first row of a key stays.

    >>> [array.tolist() for array in _first_rows(np.array([5, 7, 7, 9]), np.array([1, 2, 3]))]
    [[7, 9], [1, 3]]
    """
    distinct = pa.array(keys[rows]).dictionary_encode()
    first_rows = np.empty(len(distinct.dictionary), np.int64)
    first_rows[distinct.indices.to_numpy()[::-1]] = rows[::-1]
    return distinct.dictionary.to_numpy(), first_rows
