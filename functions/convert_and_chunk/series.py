"""Tag sets: each distinct one is rendered once, and rows refer to it by number."""

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import types

from functions.convert_and_chunk.verdicts import LINE, Problem, Reason, Verdicts
from shared.datasets import Dataset

MAX_KEY_BYTES = 65_535
"""InfluxDB refuses a longer measurement and tag set."""

_ESCAPES = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f]|\\(?=[,= ]|$)")
"""Control characters, and a backslash where it would seem to escape what follows it: parsers disagree on those."""


class Tag(NamedTuple):
    """A dictionary-encoded tag column: per distinct value `,name=value`, "" or a verdict; the last entry is null's."""

    texts: pa.Array
    verdicts: NDArray[np.uint16]
    codes: NDArray[np.int64]


class Series:
    """All tag sets of a part. `prefixes[number]` is the measurement and the tags, escaped, up to the space."""

    def __init__(self, dataset: Dataset, tags: tuple[str, ...], verdicts: Verdicts, *, validate: bool) -> None:
        self.prefixes = pa.array([], pa.string())
        self._measurement = dataset.measurement.replace(",", r"\,").replace(" ", r"\ ")
        self._tags = sorted(tags)
        self._required = dataset.required_tags if validate else ()
        self._verdicts = verdicts

    def numbers(self, batch: pa.RecordBatch, rows: slice) -> NDArray[np.int32]:
        """The series of each row of the record batch that lies at `rows`."""
        tags = [self._tag(name, batch.column(name)) for name in self._tags]
        for tag in tags:
            if tag.verdicts.any():
                self._verdicts.add_codes(rows, tag.verdicts[tag.codes])
        index, samples = _distinct(tags, batch.num_rows)
        texts = [tag.texts.take(pa.array(tag.codes[samples])) for tag in tags]
        space = pa.array([" "] * len(samples), pa.string())
        prefixes = pc.binary_join_element_wise(self._measurement, *texts, space, "")
        self._check_length(prefixes, index, rows)
        return self._known(prefixes)[index]

    def _check_length(self, prefixes: pa.Array, index: NDArray[np.int32], rows: slice) -> None:
        too_long = pc.binary_length(prefixes).to_numpy() > MAX_KEY_BYTES
        if too_long.any():
            reason = Reason("unusable_tag", f"the tags together are longer than {MAX_KEY_BYTES} bytes")
            self._verdicts.add(rows, Problem(too_long[index], reason))

    def _known(self, prefixes: pa.Array) -> NDArray[np.int32]:
        """The numbers of `prefixes`, which are distinct rows of tags but may be equal once rendered."""
        numbers = pc.index_in(prefixes, value_set=self.prefixes)
        if numbers.null_count:
            new = prefixes.filter(numbers.is_null()).unique()
            self.prefixes = pa.concat_arrays([self.prefixes, new])
            numbers = pc.index_in(prefixes, value_set=self.prefixes)
        known: NDArray[np.int32] = numbers.to_numpy()
        return known

    def _tag(self, name: str, array: pa.Array) -> Tag:
        if not types.is_dictionary(array.type):
            array = array.dictionary_encode()
        values = array.dictionary
        if types.is_integer(values.type):
            values = values.cast(pa.string())
        values = [*values.cast(pa.binary()).to_pylist(), None]
        codes = array.indices.cast(pa.int64()).fill_null(len(values) - 1).to_numpy()
        rendered = [self._rendered(name, value) for value in values]
        texts, verdicts = zip(*rendered, strict=True)
        return Tag(pa.array(texts, pa.string()), np.array(verdicts, np.uint16), codes)

    def _rendered(self, name: str, value: bytes | None) -> tuple[str, int]:
        """`,name=value` and no verdict; or nothing, with the verdict of rows that have this value."""
        try:
            text = (value or b"").decode().strip()
        except UnicodeDecodeError:
            return "", self._verdicts.code(Reason("unusable_tag", f"{name} is not UTF-8"))
        if text in ("", "-"):
            missing = Reason("missing_tag", f"{name} is empty")
            return "", self._verdicts.code(missing) if name in self._required else LINE
        if _UNUSABLE.search(text) or len(text) > MAX_KEY_BYTES:
            return "", self._verdicts.code(Reason("unusable_tag", f"{name} cannot be written as line protocol"))
        return f",{name}={text.translate(_ESCAPES)}", LINE


def _distinct(tags: list[Tag], rows: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number the distinct combinations of codes: per row its number, per number one row that has it."""
    key, count = np.zeros(rows, np.int64), 1
    for tag in tags:
        if count * len(tag.texts) > 2**62:
            key, count = pa.array(key).dictionary_encode().indices.to_numpy().astype(np.int64), rows
        key, count = key * len(tag.texts) + tag.codes, count * len(tag.texts)
    encoded = pa.array(key).dictionary_encode()
    index: NDArray[np.int32] = encoded.indices.to_numpy()
    samples = np.empty(len(encoded.dictionary), np.int64)
    samples[index] = np.arange(rows)
    return index, samples
