"""The series of each row: distinct tag sets are rendered once, and rows refer to them by number.

A record batch has few distinct tag sets, so the work per row is only arithmetic and one lookup:

1. `_encode_tag` encodes each tag as a dictionary, and renders and judges those of its values that are new.
2. `combine` (in `dictionaries`) makes one key of the codes of all tags of a row.
3. `Series.numbers` looks the distinct keys of the record batch up in `KeyTable`. Only new keys are rendered, by
   `_add_keys`.
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
from functions.convert_and_chunk.columns.key_table import KeyTable
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
        self._table = KeyTable()
        self._numbers = SeriesNumbers()

    @property
    def prefixes(self) -> pa.Array:
        """The prefix of each series, after `settle`."""
        return self._numbers.prefixes

    def settle(self, series: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the series numbers of all rows of the part, from those that `numbers` returned."""
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
        keys, reusable = combine(columns, batch.num_rows)
        if not reusable:
            self._table = KeyTable()
        distinct = keys.dictionary_encode()
        entries = self._look_up(columns, distinct.dictionary.to_numpy(), distinct.indices.to_numpy())
        key_of_row = distinct.indices.to_numpy()
        if (verdicts := self._table.verdicts[entries]).any():
            self._verdicts.add_codes(rows, verdicts[key_of_row])
        numbers: NDArray[np.int32] = self._table.numbers[entries][key_of_row]
        return numbers

    def _look_up(
        self, columns: list[Encoded], keys: NDArray[np.int64], key_of_row: NDArray[np.int32]
    ) -> NDArray[np.int64]:
        """Return the entry in the table of each distinct key, after adding the new ones.

        Example: the rows have the keys 5, 7, 5, 9, so the distinct keys are 5, 7 and 9, and `key_of_row` is 0, 1, 0, 2.
        The table has 5, so 7 and 9 are added, which rows 1 and 3 have first.
        """
        entries = self._table.search(keys)
        new = np.flatnonzero(self._table.keys[entries] != keys)
        if not len(new):
            return entries
        rows = len(key_of_row)
        first_rows = np.empty(len(keys), np.int64)
        first_rows[key_of_row[::-1]] = np.arange(rows - 1, -1, -1)  # the first row is assigned last, so it stays
        self._add_keys(columns, keys[new], first_rows[new])
        return self._table.search(keys)

    def _add_keys(self, columns: list[Encoded], keys: NDArray[np.int64], first_rows: NDArray[np.int64]) -> None:
        """Render the tag set of each new key, from the first row that has it.

        Example: the keys 7 and 9 are first seen in rows 1 and 3. The pieces of row 1 are "generation_data",
        ",energy_source=hydro" and ",region=N", which joined with a space after them are its prefix. A tag set has the
        verdict of the first of its tags that is not usable.
        """
        pieces, verdicts = [pa.repeat(self._measurement, len(keys))], np.zeros(len(keys), np.uint16)
        for name, column in zip(self._names, columns, strict=True):
            tag, codes = self._tags[name], column.codes[first_rows]
            pieces.append(tag.pieces.take(pa.array(codes)))
            verdicts = np.where(verdicts == LINE, tag.verdicts[codes], verdicts)
        prefixes = pc.binary_join_element_wise(*pieces, " ", "")  # the last argument is the separator
        verdicts[pc.binary_length(prefixes).to_numpy() > MAX_KEY_BYTES] = self._verdicts.code(_TOO_LONG)
        self._table = self._table.add(keys, self._numbers.add(prefixes), verdicts)

    def _encode_tag(self, name: str, array: pa.Array) -> Encoded:
        """Encode a tag, and render its values unless the dictionary is that of the record batch before."""
        column, last = encode(array), self._tags.get(name)
        if last is None or not last.dictionary.equals(column.dictionary):
            self._table = KeyTable()
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
