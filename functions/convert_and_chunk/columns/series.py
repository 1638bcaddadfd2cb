"""The series of each row: distinct tag sets are rendered once, and rows refer to them by number.

A record batch has few distinct tag sets, so the work per row is only arithmetic and one lookup:

1. `_encode_tag` encodes each tag as a dictionary, and renders and judges its values when the dictionary is new.
2. `combine` (in `dictionaries`) makes one key of the codes of all tags of a row.
3. `Series.numbers` looks the keys up among those it has seen before. Only new keys are rendered, by `_add_keys`.
4. `_number_prefixes` numbers the rendered tag sets. Different keys can be one series, as "N" and "N " are.

Keys are valid while the dictionaries of all tags stay the same; `_forget_keys` drops them when one changes. Numbers of
series are valid for the whole part.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from functions.convert_and_chunk.columns.dictionaries import Encoded, combine, encode, text_values
from functions.convert_and_chunk.columns.tags import MAX_KEY_BYTES, render_tag
from functions.convert_and_chunk.verdicts import LINE, Reason, Verdicts
from shared.datasets import Dataset

_TOO_LONG = Reason("unusable_tag", f"measurement and tags are longer than {MAX_KEY_BYTES} bytes")


class RenderedTag(NamedTuple):
    """The values of one tag: for each its piece of the line, and LINE or the verdict on rows that have it."""

    dictionary: pa.Array
    pieces: pa.Array
    verdicts: NDArray[np.uint16]


class Series:
    """All series of a part. `prefixes[number]` is the measurement and the tags, escaped, and the space after them.

    >>> from shared.datasets import DATASETS
    >>> series = Series(DATASETS["generation"], ("region",), Verdicts(3), validate=True)
    >>> series.numbers(pa.record_batch({"region": ["N", "S", "N "]}), slice(0, 3)).tolist()
    [0, 1, 0]
    >>> series.prefixes.to_pylist()
    ['generation_data,region=N ', 'generation_data,region=S ']
    """

    def __init__(self, dataset: Dataset, tags: tuple[str, ...], verdicts: Verdicts, *, validate: bool) -> None:
        self.prefixes = pa.array([], pa.string())
        self._measurement = dataset.measurement
        self._required = dataset.required_tags if validate else ()
        self._verdicts = verdicts
        self._names = sorted(tags)
        self._tags: dict[str, RenderedTag] = {}
        self._forget_keys()

    def _forget_keys(self) -> None:
        """Start without keys: a dictionary has changed, and the same key would mean another tag set."""
        self._keys = pa.array([], pa.int64())
        self._numbers = np.empty(0, np.int32)
        self._key_verdicts = np.empty(0, np.uint16)

    def numbers(self, batch: pa.RecordBatch, rows: slice) -> NDArray[np.int32]:
        """Return the series number of each row, and set aside rows with unusable tags.

        Example: the regions "N", "S", "N", "N " have the codes 0, 1, 0, 2. With one tag, the codes are the keys. In the
        first record batch all keys are new, so 0, 1 and 2 are rendered as N, S and N and get the numbers 0, 1 and 0.
        The rows have the numbers 0, 1, 0, 0. In the next record batch with this dictionary, no key is new.

        Args:
            batch: The record batch, with the tags under the names of the dataset.
            rows: The rows of the part that the record batch holds.
        """
        columns = [self._encode_tag(name, batch.column(name)) for name in self._names]
        keys, reusable = combine(columns, batch.num_rows)
        if not reusable:
            self._forget_keys()
        indices = pc.index_in(keys, value_set=self._keys)  # null for a new key
        if indices.null_count:
            self._add_keys(columns, keys, keys.filter(indices.is_null()).unique())
            indices = pc.index_in(keys, value_set=self._keys)
        key_of_row: NDArray[np.int32] = indices.to_numpy()
        if self._key_verdicts.any():
            self._verdicts.add_codes(rows, self._key_verdicts[key_of_row])
        return self._numbers[key_of_row]

    def _add_keys(self, columns: list[Encoded], keys: pa.Array, new: pa.Array) -> None:
        """Render the tag set of each new key, from the first row that has it.

        Example: the keys are 5, 7, 5, 9 and the new ones 7 and 9, which are first seen in rows 1 and 3. The pieces of
        row 1 are "generation_data", ",energy_source=hydro" and ",region=N", which joined with a space after them are
        its prefix. A tag set has the verdict of the first of its tags that is not usable.
        """
        first_rows = pc.index_in(new, value_set=keys).to_numpy()
        pieces, verdicts = [pa.repeat(self._measurement, len(new))], np.zeros(len(new), np.uint16)
        for name, column in zip(self._names, columns, strict=True):
            tag, codes = self._tags[name], column.codes[first_rows]
            pieces.append(tag.pieces.take(pa.array(codes)))
            verdicts = np.where(verdicts == LINE, tag.verdicts[codes], verdicts)
        prefixes = pc.binary_join_element_wise(*pieces, " ", "")  # the last argument is the separator
        verdicts[pc.binary_length(prefixes).to_numpy() > MAX_KEY_BYTES] = self._verdicts.code(_TOO_LONG)
        self._keys = pa.concat_arrays([self._keys, new])
        self._numbers = np.append(self._numbers, self._number_prefixes(prefixes))
        self._key_verdicts = np.append(self._key_verdicts, verdicts)

    def _number_prefixes(self, prefixes: pa.Array) -> NDArray[np.int32]:
        """Return the series number of each prefix; new prefixes get the next numbers."""
        indices = pc.index_in(prefixes, value_set=self.prefixes)
        if indices.null_count:
            self.prefixes = pa.concat_arrays([self.prefixes, prefixes.filter(indices.is_null()).unique()])
            indices = pc.index_in(prefixes, value_set=self.prefixes)
        numbers: NDArray[np.int32] = indices.to_numpy()
        return numbers

    def _encode_tag(self, name: str, array: pa.Array) -> Encoded:
        """Encode a tag, and render its values unless the dictionary is that of the record batch before."""
        column, last = encode(array), self._tags.get(name)
        if last is None or not last.dictionary.equals(column.dictionary):
            self._forget_keys()
            required, texts = name in self._required, text_values(column.dictionary)
            pieces, reasons = zip(*(render_tag(name, text, required=required) for text in texts), strict=True)
            codes = [self._verdicts.code(reason) if reason else LINE for reason in reasons]
            self._tags[name] = RenderedTag(column.dictionary, pa.array(pieces), np.array(codes, np.uint16))
        return column
