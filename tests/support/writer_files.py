"""Random files for five writers, and the oracle that says what a load has to make of them.

The oracle is `expected`: the meanings of `column_kinds` in plain Python. It shares no code with the converter.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

from tests.support.column_kinds import KINDS, Kind, array
from tests.support.writers import WRITERS, Writer

USES = {"timestamp": "times", "region": "tags", "plant_name": "tags", "power_mw": "numbers"}
"""The columns of a dataset that vary, and the meanings that their values have."""

PLAIN = {"timestamp": "timestamp utc", "region": "string", "plant_name": "string", "power_mw": "float64"}

CHANGED_BY_WRITERS = {"bool8", "date64", "duration", "fixed-size binary", "opaque", "timestamp s", "uuid"}
"""Kinds that are accepted only from writers that change them. For example, arro3 writes seconds as integers."""

OPAQUE_TO_OTHERS = ("uuid",)
"""Types that writers without Arrow's types write as mere bytes."""


class WriterLacksTypeError(Exception):
    """A library cannot write a type."""


class File(NamedTuple):
    """A file to write: for each column its kind and its values, one for each row."""

    writer: Writer
    options: Mapping[str, Any]
    kinds: Mapping[str, str]
    values: Mapping[str, list[Any]]

    def content(self) -> bytes:
        """Return the bytes of the file.

        Raises:
            WriterLacksTypeError: The library cannot write the file.
        """
        columns = {name: array(KINDS[kind].type, self.values[name]) for name, kind in self.kinds.items()}
        rows = len(self.values["region"])
        table = pa.table(columns | {"energy_source": ["hydro"] * rows, "measurement_type": ["verified"] * rows})
        try:
            return self.writer.write(table, self.options)
        except Exception as error:  # each library has errors of its own
            raise WriterLacksTypeError from error


def meanings(kind: Kind, use: str) -> dict[Any, Any]:
    """Return what the values of a kind mean in a use."""
    return {_hashable(value): meaning for value, meaning in getattr(kind, use)}


def _hashable(value: Any) -> Any:
    return str(value) if isinstance(value, float | np.floating) else value  # NaN differs from itself


@st.composite
def files(draw: st.DrawFn) -> File:
    """Return a file: most columns have a kind that suits their use, and a quarter of them any kind."""
    writer = WRITERS[draw(st.sampled_from(sorted(WRITERS)))]
    kinds = {}
    for name, use in USES.items():
        suitable = [kind for kind in KINDS if getattr(KINDS[kind], use)]
        is_plain, is_suitable = draw(st.integers(0, 3)), draw(st.integers(0, 3))
        kinds[name] = PLAIN[name] if not is_plain else draw(st.sampled_from(suitable if is_suitable else sorted(KINDS)))
        if kinds[name] in OPAQUE_TO_OTHERS and not writer.keeps_types:
            kinds[name] = PLAIN[name]
    ignored = draw(st.lists(st.sampled_from(sorted(KINDS)), max_size=2))
    kinds |= {f"other_{number}": kind for number, kind in enumerate(ignored)}
    rows = draw(st.integers(1, 12))
    values = {name: draw(_column(KINDS[kind], USES.get(name, ""), rows)) for name, kind in kinds.items()}
    return File(writer, draw(writer.options), kinds, values)


def _column(kind: Kind, use: str, rows: int) -> st.SearchStrategy[list[Any]]:
    values = [value for value, _ in getattr(kind, use)] if use else kind.values
    pool = st.sampled_from([*(values or kind.values), None])
    return st.lists(pool, min_size=rows, max_size=rows)


class Expected(NamedTuple):
    """The points of a file, by tags and time; the rows that are set aside, with the rules that apply."""

    points: dict[tuple[Any, ...], float | None]
    set_aside: dict[int, set[str]]
    collapsed: int


def expected(file: File) -> Expected:
    """Return what a load should make of a file whose columns are all accepted."""
    columns = {
        name: [meanings(KINDS[file.kinds[name]], use).get(_hashable(value)) for value in file.values[name]]
        for name, use in USES.items()
    }
    rows = list(zip(columns["region"], columns["plant_name"], columns["timestamp"], columns["power_mw"], strict=True))
    set_aside = {row: rules for row, values in enumerate(rows) if (rules := set(_rules(*values)))}
    last = {values[:3]: row for row, values in enumerate(rows) if row not in set_aside}
    points = {point: rows[row][3] for point, row in last.items()}
    earlier = {row: values for row, values in enumerate(rows) if row not in {*set_aside, *last.values()}}
    collisions = {row: {"collision"} for row, values in earlier.items() if values[3] != points[values[:3]]}
    return Expected(points, set_aside | collisions, len(earlier) - len(collisions))


def _rules(region: Any, plant: Any, time: Any, power: Any) -> list[str]:
    """Return the rules that set a row aside."""
    rules = [value[1:] for value in (region, plant, time, power) if isinstance(value, str) and value.startswith("!")]
    empty = {"missing_tag": region, "no_timestamp": time, "no_field": power}
    return rules + [rule for rule, value in empty.items() if value is None]
