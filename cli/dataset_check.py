"""The complete check of a file of declarations: all mistakes at once, each with its line.

`shared.datasets` reads the same file in the functions, where only the first mistake matters. Here, pydantic compares
each table with the annotations of `Dataset` and `Field`, of which `json_schema` also makes a schema for editors.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from cli import toml_positions
from shared.dataset_files import own_file, shipped_file
from shared.datasets import SHIPPED_DATASETS, ContradictionsError, Dataset
from shared.key_patterns import common_key

MESSAGES = {
    "unexpected_keyword_argument": "is not a key of a declaration: check its spelling, or remove it",
    "missing": "is missing: add it",
    "missing_argument": "is missing: add it",
    "missing_keyword_only_argument": "is missing: add it",
    "dataclass_type": "must be a table: write [name], and its keys below",
    "tuple_type": 'must be a list: write ["a", "b"]',
    "string_type": "must be text: write it in quotes",
    "float_type": "must be a number: write it without quotes",
    "int_type": "must be a whole number",
}
"""Messages in place of pydantic's, which speak of Python."""


RENAMED_KEYS = {"bucket": "influxdb_bucket"}
"""Keys of former releases, and what they are called now. Without its key, a dataset would go to another bucket."""

DATES = ("earliest", "latest")


class Mistake(NamedTuple):
    """A mistake in a file of declarations: its line, the table and key, and what is wrong."""

    line: int
    place: str
    message: str


def find_mistakes(path: Path) -> list[Mistake]:
    """Return all mistakes of a file, in the order of their lines. A file that does not exist has none."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        return [Mistake(int(line[1]) if line else 1, path.name, f"is not TOML: {error}")]
    lines = toml_positions.line_numbers(text)
    mistakes = [mistake for name, table in tables.items() for mistake in _mistakes(name, table, lines)]
    if path.resolve() != shipped_file():
        repeated = "is declared by the loader itself: choose another name"
        mistakes += [Mistake(lines[name,], name, repeated) for name in tables if name in SHIPPED_DATASETS]
    mistakes += _overlapping_patterns(tables, lines)
    return sorted(mistakes)


def describe_mistakes(path: Path) -> str:
    """Return one line for each mistake of a file; "" if there is none."""
    return "\n".join(f"{path}:{line}: {place} {message}" for line, place, message in find_mistakes(path))


def check_own_datasets() -> str:
    """Return one line for each mistake of the user's own file; "" if there is none, or no such file."""
    return describe_mistakes(own_file())


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a file of declarations, in which each table is a dataset without its name."""
    schema = TypeAdapter(Dataset).json_schema(ref_template="#/$defs/{model}")
    definitions = schema.pop("$defs", {})
    schema["properties"].pop("name")
    schema["required"].remove("name")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Datasets of the InfluxDB loader",
        "type": "object",
        "additionalProperties": schema,
        "$defs": definitions,
    }


def _mistakes(name: str, table: Any, lines: Mapping[toml_positions.Path, int]) -> Iterator[Mistake]:
    """Yield the mistakes of one table.

    JSON has no dates. They are passed as text where a dataset expects them, and elsewhere as something that no key
    accepts.
    """
    if isinstance(table, dict):
        dates = {key: str(table[key]) for key in DATES if key in table}
        table = {**table, **dates, "name": name}
    declaration = json.dumps(table, default=lambda _: [{}])
    try:
        TypeAdapter(Dataset).validate_json(declaration, strict=True)
    except ValidationError as error:
        for details in error.errors():
            yield from _mistakes_of(name, details, lines)


def _mistakes_of(name: str, details: ErrorDetails, lines: Mapping[toml_positions.Path, int]) -> Iterator[Mistake]:
    """Translate one error of pydantic, which may stand for several contradictions of a declaration."""
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, ContradictionsError):
        for key, message in cause.mistakes:
            yield Mistake(_line_of((name, key), lines), f"{name}.{key}", f"is not valid: {message}")
    else:
        path = (name, *details["loc"])
        message = _message(path, details)
        yield Mistake(_line_of(path, lines), _place(path), message)


def _message(path: toml_positions.Path, details: ErrorDetails) -> str:
    """Return what is wrong with the value at a path."""
    if len(path) == 2 and (new_name := RENAMED_KEYS.get(str(path[1]))):  # noqa: PLR2004 - a table, and its key
        return f"is called {new_name} now: rename it, since removing it would select the default"
    return MESSAGES.get(details["type"], f"is not valid: {details['msg']}")


def _overlapping_patterns(tables: Mapping[str, Any], lines: Mapping[toml_positions.Path, int]) -> Iterator[Mistake]:
    """Yield a mistake for a key pattern whose keys all belong to another dataset, and for two with a common key.

    Most patterns match some key in the folder of another dataset, which only its load can notice.
    """
    patterns = {
        name: pattern
        for name, table in tables.items()
        if isinstance(table, dict) and isinstance(pattern := table.get("key_pattern"), str)
    }
    folders = [name for name in (*SHIPPED_DATASETS, *tables) if name not in patterns]
    for name, pattern in patterns.items():
        if folder := next((each for each in folders if f"/dataset={each}/" in f"/{pattern}"), None):
            message = f"matches only keys in the folder of dataset {folder!r}: change it"
            yield Mistake(lines[name, "key_pattern"], f"{name}.key_pattern", message)
    for (one, first), (other, second) in combinations(patterns.items(), 2):
        if key := common_key(first, second):
            message = f"and that of {one} both match keys such as {key!r}: change one of them"
            yield Mistake(lines[other, "key_pattern"], f"{other}.key_pattern", message)


def _line_of(path: toml_positions.Path, lines: Mapping[toml_positions.Path, int]) -> int:
    """Return the line of a value, or of the nearest table around it: what is missing has no line."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _place(path: toml_positions.Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
