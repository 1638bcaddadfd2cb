"""Columns whose names nearly are the names of a dataset: `Power_MW` for `power_mw`, or a time column of another name.

A file whose column is misspelled would load without it, and nobody would notice. `difference` compares a column with a
name, and says how they differ if it is only in spelling: both go through `_STEPS`, each of which removes one kind of
difference, until they are equal. The names of fields may also differ in the unit at their end. `is_time_name`
recognizes the names that time columns usually have.
"""

import re
import unicodedata
from collections.abc import Callable

from shared.units import UNITS

_UNIT_WORDS = {"mw", "mwh", "kv", "ratio", "pct", "percent", "pu"} | {unit.casefold() for unit in UNITS}
_TIME_WORDS = {"time", "timestamp", "date", "datetime", "instant", "ts", "data", "hora", "datahora", "din", "instante"}
_TIMES_OF_THE_FILE = re.compile("process|creat|updat|ingest|loaded|metadata|atualiza")
"""Words of columns that tell when the file was made, and not when something was measured."""

_GARBLED_BYTE_ORDER_MARK = "\xef\xbb\xbf"
"""The byte order mark of UTF-8, read as Latin-1."""


def difference(column: str, name: str, *, ignore_unit: bool) -> str:
    """Return how the name of a column differs from a declared name, or "" if it is a different name.

    >>> difference("Power MW", "power_mw", ignore_unit=True)
    'case and separators'
    >>> difference("power_kw", "power_mw", ignore_unit=True), difference("power_max", "power_mw", ignore_unit=True)
    ('the unit', '')

    Args:
        column: the name of the column.
        name: the declared name.
        ignore_unit: whether names that differ in the unit at their end are the same.
    """
    kinds, texts = [], (column, name)
    for kind, step in _STEPS.items():
        results = (step(texts[0]), step(texts[1]))
        if results != texts:
            kinds.append(kind)
        if results[0] == results[1]:
            return " and ".join(filter(None, (", ".join(kinds[:-1]), *kinds[-1:])))
        texts = results
    return "the unit" if ignore_unit and _without_unit(column) == _without_unit(name) else ""


def unit_of(column: str) -> str:
    """Return the unit at the end of a column's name, in lower case, or "".

    >>> unit_of("Power [kW]"), unit_of("powerMWmed"), unit_of("power")
    ('kw', 'mwmed', '')
    """
    *rest, last = _words(column)
    return last if rest and last in _UNIT_WORDS else ""


def is_time_name(column: str) -> bool:
    """Return whether the name of a column is one that time columns usually have.

    >>> is_time_name("din_instante"), is_time_name("DateTime"), is_time_name("processing_metadata_processed_at")
    (True, True, False)
    """
    return bool(_TIME_WORDS & {*_words(column), _without_separators(column.casefold())}) and not is_time_of_file(column)


def is_time_of_file(column: str) -> bool:
    """Return whether the name of a column says that it holds the time at which its row was made.

    >>> is_time_of_file("processing_metadata_processed_at"), is_time_of_file("din_instante")
    (True, False)
    """
    return bool(_TIMES_OF_THE_FILE.search(column.casefold()))


def _without_marks(text: str) -> str:
    """Return the text without byte order marks and other characters that cannot be seen."""
    return "".join(
        c for c in text.removeprefix(_GARBLED_BYTE_ORDER_MARK) if unicodedata.category(c) not in ("Cf", "Cc")
    )


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _without_separators(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)


def _words(text: str) -> list[str]:
    """Return the words of a name, in lower case; upper case after two lower-case letters begins a word too."""
    plain = re.sub(r"(?<=[a-z]{2})(?=[A-Z])", " ", _without_accents(_without_marks(text)))
    return re.findall(r"[^\W_]+|%", plain.casefold()) or [""]


def _without_unit(text: str) -> str:
    words = _words(text)
    while len(words) > 1 and words[-1] in _UNIT_WORDS:
        words.pop()
    return "".join(words)


_STEPS: dict[str, Callable[[str], str]] = {
    "a byte order mark or another invisible character": _without_marks,
    "surrounding space": str.strip,
    "accents": _without_accents,
    "case": str.casefold,
    "separators": _without_separators,
}
"""For each kind of difference, the function that removes it."""
