"""Tag sets: each distinct one is rendered once, and rows refer to it by number."""

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from functions.convert_and_chunk.dictionaries import Encoded, distinct, encoded
from functions.convert_and_chunk.verdicts import LINE, Problem, Reason, Verdicts
from shared.datasets import Dataset

MAX_KEY_BYTES = 65_535
"""InfluxDB refuses a longer measurement and tag set."""

_ESCAPES = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f]|\\(?=[,= \\]|$)")
"""Control characters, and a backslash that would seem to escape what follows it: parsers disagree on those."""


class Rendered(NamedTuple):
    """What each value of a dictionary becomes: `,name=value` or "", and LINE or the verdict on its rows."""

    dictionary: pa.Array
    texts: pa.Array
    verdicts: NDArray[np.uint16]


class Series:
    """All tag sets of a part. `prefixes[number]` is the measurement and the tags, escaped, and the space after them."""

    def __init__(self, dataset: Dataset, tags: tuple[str, ...], verdicts: Verdicts, *, validate: bool) -> None:
        self.prefixes = pa.array([], pa.string())
        self._measurement = dataset.measurement.replace(",", r"\,").replace(" ", r"\ ")
        self._tags = sorted(tags)
        self._required = dataset.required_tags if validate else ()
        self._verdicts = verdicts
        self._rendered: dict[str, Rendered] = {}

    def numbers(self, batch: pa.RecordBatch, rows: slice) -> NDArray[np.int32]:
        """The series of each row of the record batch that lies at `rows`."""
        columns = {name: encoded(batch.column(name)) for name in self._tags}
        numbers, samples = distinct(list(columns.values()), batch.num_rows)
        texts = []
        for name, column in columns.items():
            rendered = self._render(name, column)
            texts.append(rendered.texts.take(pa.array(column.codes[samples])))
            if rendered.verdicts.any():
                self._verdicts.add_codes(rows, rendered.verdicts[column.codes])
        space = pa.array([" "] * len(samples), pa.string())
        prefixes = pc.binary_join_element_wise(self._measurement, *texts, space, "")
        too_long = pc.binary_length(prefixes).to_numpy() > MAX_KEY_BYTES
        if too_long.any():
            reason = Reason("unusable_tag", f"the tags together are longer than {MAX_KEY_BYTES} bytes")
            self._verdicts.add(rows, Problem(too_long[numbers], reason))
        return self._known(prefixes)[numbers]

    def _known(self, prefixes: pa.Array) -> NDArray[np.int32]:
        """The numbers of `prefixes`, new ones added. Different values may render to equal prefixes."""
        known = pc.index_in(prefixes, value_set=self.prefixes)
        if known.null_count:
            self.prefixes = pa.concat_arrays([self.prefixes, prefixes.filter(known.is_null()).unique()])
            known = pc.index_in(prefixes, value_set=self.prefixes)
        numbers: NDArray[np.int32] = known.to_numpy()
        return numbers

    def _render(self, name: str, column: Encoded) -> Rendered:
        """The values of a tag; a dictionary is mostly that of the record batch before."""
        last = self._rendered.get(name)
        if last is not None and last.dictionary.equals(column.dictionary):
            return last
        texts, verdicts = zip(*(self._value(name, value) for value in column.texts()), strict=True)
        rendered = Rendered(column.dictionary, pa.array(texts, pa.string()), np.array(verdicts, np.uint16))
        self._rendered[name] = rendered
        return rendered

    def _value(self, name: str, value: bytes | None) -> tuple[str, int]:
        """Trimmed and escaped, or "" with a verdict; nothing and "-" are no value."""
        try:
            text = (value or b"").decode().strip()
        except UnicodeDecodeError:
            return "", self._verdicts.code(Reason("unusable_tag", f"{name} is not UTF-8"))
        if text in ("", "-"):
            missing = Reason("missing_tag", f"{name} is empty")
            return "", self._verdicts.code(missing) if name in self._required else LINE
        if len(text) > MAX_KEY_BYTES or _UNUSABLE.search(text):
            reason = Reason("unusable_tag", f"{name} holds what line protocol cannot carry, or is too long")
            return "", self._verdicts.code(reason)
        return f",{name.translate(_ESCAPES)}={text.translate(_ESCAPES)}", LINE
