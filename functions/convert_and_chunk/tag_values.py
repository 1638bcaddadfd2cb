"""The values of each tag in the series of a part, and the tag that divides its series into a few groups.

`TagSets` finds the values in the prefixes of the series, so it takes no longer for more rows. `values` counts them, and
`groups` chooses the tag whose groups the report draws.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shared.profiles import TagValues

MAX_GROUPS = 6
"""The number of lines that a reader of a chart can tell apart."""

MAX_LISTED = 20
"""How many values of a tag the outcome lists. The page shows them, if there are no more."""


@dataclass(frozen=True, kw_only=True)
class SeriesGroups:
    """The series of a part, divided by the value of one tag.

    Attributes:
        tag: The name of the tag.
        names: The value of each group, "" for series without the tag.
        codes: The number of the group of each series.
    """

    tag: str
    names: list[str]
    codes: NDArray[np.uint16]


class TagSets:
    """The tags of the series of a part.

    Args:
        prefixes: Measurement and tags of each series, as they are written.
        has_line: For each series whether it has a point. Only these count.
        tags: The names of the tags.
    """

    def __init__(self, prefixes: pa.Array, has_line: NDArray[np.bool_], tags: Iterable[str]) -> None:
        self._has_line = has_line
        self._values = {tag: _values_of(prefixes, tag) for tag in tags}

    def values(self) -> dict[str, TagValues]:
        """Return the values of each tag that has any, by the name of the tag."""
        distinct = {tag: self._distinct(tag) for tag in self._values}
        return {
            tag: {"count": len(names), "names": sorted(map(_unescape, names.to_pylist()))[: _listed(len(names))]}
            for tag, names in distinct.items()
            if len(names)
        }

    def groups(self, tags: Iterable[str]) -> SeriesGroups | None:
        """Return the groups of the tag with the most values, but not too many; None if there is no such tag.

        Example: with 200 lines, 4 regions and 2 types of measurement, the groups are the regions.

        Args:
            tags: The tags to choose from. The first of those with equally many values is chosen.
        """
        counts = {tag: len(self._distinct(tag)) for tag in tags if tag in self._values}
        few = {tag: count for tag, count in counts.items() if 1 < count <= MAX_GROUPS}
        if not few:
            return None
        tag = max(few, key=lambda name: few[name])
        encoded = self._values[tag].fill_null("").filter(pa.array(self._has_line)).dictionary_encode()
        codes = np.zeros(len(self._has_line), np.uint16)
        codes[self._has_line] = encoded.indices.to_numpy()
        return SeriesGroups(tag=tag, names=[_unescape(name) for name in encoded.dictionary.to_pylist()], codes=codes)

    def _distinct(self, tag: str) -> pa.Array:
        """Return the values of a tag in series with a point, each once."""
        return self._values[tag].filter(pa.array(self._has_line)).drop_null().unique()


def _listed(count: int) -> int:
    return count if count <= MAX_LISTED else 0


def _values_of(prefixes: pa.Array, tag: str) -> pa.Array:
    r"""Return the escaped value of a tag in each series; null for series without it.

    >>> _values_of(pa.array(["m,region=N\\ E,type=a ", "m,type=b "]), "region").to_pylist()
    ['N\\ E', None]
    """
    # An equals sign inside a value is escaped, so `,region=` can only be the begin of the tag.
    pattern = rf",{re.escape(tag)}=(?P<value>(?:\\.|[^\\, ])*)"
    return pc.struct_field(pc.extract_regex(prefixes, pattern=pattern), "value")


def _unescape(value: str) -> str:
    return re.sub(r"\\([,= ])", r"\1", value)
