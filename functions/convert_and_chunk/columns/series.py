"""Series: each distinct tag set is rendered once, and rows refer to it by number."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from functions.convert_and_chunk.columns.dictionaries import Encoded, combined, encoded, values
from functions.convert_and_chunk.columns.tags import MAX_KEY_BYTES, render_tag
from functions.convert_and_chunk.verdicts import LINE, Reason, Verdicts
from shared.datasets import Dataset

_TOO_LONG = Reason("unusable_tag", f"measurement and tags are longer than {MAX_KEY_BYTES} bytes")


class Rendered(NamedTuple):
    """A tag's dictionary: per value its piece of the line, and LINE or the verdict on rows that have it."""

    dictionary: pa.Array
    pieces: pa.Array
    verdicts: NDArray[np.uint16]


class Series:
    """All series of a part. `prefixes[number]` is the measurement and the tags, escaped, and the space after them."""

    def __init__(self, dataset: Dataset, tags: tuple[str, ...], verdicts: Verdicts, *, validate: bool) -> None:
        self.prefixes = pa.array([], pa.string())
        self._measurement = dataset.measurement
        self._required = dataset.required_tags if validate else ()
        self._verdicts = verdicts
        self._names = sorted(tags)
        self._tags: dict[str, Rendered] = {}
        self._forget()

    def _forget(self) -> None:
        """Dictionaries have changed: the keys of rows mean something else now."""
        self._keys = pa.array([], pa.int64())
        self._numbers = np.empty(0, np.int32)
        self._key_verdicts = np.empty(0, np.uint16)

    def numbers(self, batch: pa.RecordBatch, rows: slice) -> NDArray[np.int32]:
        """The series of each row of the record batch that lies at `rows`."""
        columns = [self._column(name, batch.column(name)) for name in self._names]
        keys, lasting = combined(columns, batch.num_rows)
        if not lasting:
            self._forget()
        known = pc.index_in(keys, value_set=self._keys)
        if known.null_count:
            self._learn(columns, keys, keys.filter(known.is_null()).unique())
            known = pc.index_in(keys, value_set=self._keys)
        places: NDArray[np.int32] = known.to_numpy()
        if self._key_verdicts.any():
            self._verdicts.add_codes(rows, self._key_verdicts[places])
        return self._numbers[places]

    def _learn(self, columns: list[Encoded], keys: pa.Array, new: pa.Array) -> None:
        """Render the tag sets of `new` keys, each as the first row that has it."""
        samples = pc.index_in(new, value_set=keys).to_numpy()
        pieces, verdicts = [pa.repeat(self._measurement, len(new))], np.zeros(len(new), np.uint16)
        for name, column in zip(self._names, columns, strict=True):
            tag, codes = self._tags[name], column.codes[samples]
            pieces.append(tag.pieces.take(pa.array(codes)))
            verdicts = np.where(verdicts == LINE, tag.verdicts[codes], verdicts)
        prefixes = pc.binary_join_element_wise(*pieces, " ", "")  # the last is what stands between the others
        verdicts[pc.binary_length(prefixes).to_numpy() > MAX_KEY_BYTES] = self._verdicts.code(_TOO_LONG)
        self._keys = pa.concat_arrays([self._keys, new])
        self._numbers = np.append(self._numbers, self._number(prefixes))
        self._key_verdicts = np.append(self._key_verdicts, verdicts)

    def _number(self, prefixes: pa.Array) -> NDArray[np.int32]:
        """The numbers of prefixes, new ones added. Different keys may be one series, as "N" and "N " are."""
        known = pc.index_in(prefixes, value_set=self.prefixes)
        if known.null_count:
            self.prefixes = pa.concat_arrays([self.prefixes, prefixes.filter(known.is_null()).unique()])
            known = pc.index_in(prefixes, value_set=self.prefixes)
        numbers: NDArray[np.int32] = known.to_numpy()
        return numbers

    def _column(self, name: str, array: pa.Array) -> Encoded:
        """A tag's codes; its values are rendered unless the dictionary is that of the record batch before."""
        column, last = encoded(array), self._tags.get(name)
        if last is None or not last.dictionary.equals(column.dictionary):
            self._forget()
            required = name in self._required
            pieces, reasons = zip(
                *(render_tag(name, value, required=required) for value in values(column.dictionary)), strict=True
            )
            codes = [self._verdicts.code(reason) if reason else LINE for reason in reasons]
            self._tags[name] = Rendered(column.dictionary, pa.array(pieces), np.array(codes, np.uint16))
        return column
