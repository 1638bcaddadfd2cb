"""Key patterns: the keys of a dataset's files, for buckets whose layout one cannot choose.

In `raw/{region}/{version}/*.parquet`, a named group such as `{region}` stands for one or more characters other than
"/", `*` for any number of such characters, and `**` for any text. Unlike regular expressions, two patterns can be
compared: `common_key` finds a key that both match. `pattern_values` reads the groups from a key.
"""

import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

NAME_CHARACTER, ANY_CHARACTER = "any but /", "any"
"""The sets of characters that a wildcard stands for."""

_TOKENS = re.compile(r"(\*\*|\*|\{[^{}]*\})")
_GROUP = re.compile(r"\{([A-Za-z][\w.-]*)\}", re.ASCII)


class _Element(NamedTuple):
    """One character of a key, or any number of characters: those of a set, or the only one."""

    characters: str
    repeats: bool = False


def matches(pattern: str, key: str) -> bool:
    """Return whether a pattern matches a whole key."""
    return _regex(pattern).fullmatch(key) is not None


def group_names(pattern: str) -> list[str]:
    """Return the names of the groups of a pattern, in order."""
    return _GROUP.findall(pattern)


def pattern_values(pattern: str, key: str) -> Mapping[str, str]:
    """Return the texts of the groups, by name; {} if the pattern does not match the key.

    >>> pattern_values("raw/{region}/gen_{year}_v{version}.parquet", "raw/SE/gen_2024_v2.parquet")
    {'region': 'SE', 'year': '2024', 'version': '2'}
    """
    match = _regex(pattern).fullmatch(key)
    return dict(zip(group_names(pattern), match.groups(), strict=True)) if match else {}


def folder_pattern(pattern: str, name: str) -> str:
    """Return the pattern up to the end of the folder that has a group, or "" if its depth is not certain.

    >>> folder_pattern("raw/{region}/v{version}/*.parquet", "version")
    'raw/{region}/v{version}/'
    """
    before, _, after = pattern.partition(f"{{{name}}}")
    if "**" in before or "/" not in after or "**" in after.partition("/")[0]:
        return ""
    return f"{before}{{{name}}}{after.partition('/')[0]}/"


def literal_prefix(pattern: str) -> str:
    """Return the text that all keys of a pattern begin with.

    >>> literal_prefix("raw/plants_{region}/*.parquet")
    'raw/plants_'
    """
    return _TOKENS.split(pattern)[0]


def problems(pattern: str) -> Iterator[str]:
    """Yield what is wrong with a pattern."""
    rest = _GROUP.sub("", pattern)
    if "{" in rest or "}" in rest:
        yield "write a named group as {name}, with letters, digits, '_', '.' and '-'"
    if re.search(r"\}(\{|\*)|\*\{|\*\*\*", pattern):
        yield "separate groups and * by text, so that it is certain where each ends"
    for name, count in Counter(group_names(pattern)).items():
        if count > 1:
            yield f"the group {name!r} occurs {count} times: use each name once"
    if not pattern or pattern.endswith("/"):
        yield "a key ends with the name of a file: add it, such as *.parquet"


def common_key(one: str, other: str) -> str:
    """Return a key that both patterns match, or "" if there is none.

    It searches the pairs of positions in the two patterns that a key can lead to, the shortest key first.

    >>> common_key("raw/{region}/*.parquet", "raw/SE/**"), common_key("raw/a_*.parquet", "raw/b_*.parquet")
    ('raw/SE/.parquet', '')
    """
    first, second = _elements(one), _elements(other)
    queue, visited = deque([(0, 0, "")]), {(0, 0)}
    while queue:
        i, j, key = queue.popleft()
        if (i, j) == (len(first), len(second)):
            return key or "x"  # two patterns that match even an empty text also match this
        for step in _steps(first, second, i, j):
            if step[:2] not in visited:
                visited.add(step[:2])
                queue.append((step[0], step[1], key + step[2]))
    return ""


def _steps(first: list[_Element], second: list[_Element], i: int, j: int) -> Iterator[tuple[int, int, str]]:
    """Yield the positions after the next character, or after the end of a repetition, with the character."""
    if i < len(first) and first[i].repeats:
        yield i + 1, j, ""
    if j < len(second) and second[j].repeats:
        yield i, j + 1, ""
    if i < len(first) and j < len(second):
        character = _common_character(first[i].characters, second[j].characters)
        if character:
            yield i + (not first[i].repeats), j + (not second[j].repeats), character


def _common_character(one: str, other: str) -> str:
    """Return a character that both elements accept, or ""."""
    character, accepted = sorted((one, other), key=len)
    if len(character) > 1:
        return "x"
    is_accepted = accepted in (character, ANY_CHARACTER) or (accepted == NAME_CHARACTER and character != "/")
    return character if is_accepted else ""


def _elements(pattern: str) -> list[_Element]:
    elements = []
    for part in filter(None, _TOKENS.split(pattern)):
        if part in ("*", "**"):
            elements.append(_Element(NAME_CHARACTER if part == "*" else ANY_CHARACTER, repeats=True))
        elif _GROUP.fullmatch(part):
            elements += [_Element(NAME_CHARACTER), _Element(NAME_CHARACTER, repeats=True)]
        else:
            elements += map(_Element, part)
    return elements


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    texts = {"*": "[^/]*", "**": ".*"}
    parts = [
        "([^/]+?)" if _GROUP.fullmatch(token) else texts.get(token, re.escape(token))
        for token in _TOKENS.split(pattern)
    ]
    return re.compile("".join(parts), re.DOTALL)
