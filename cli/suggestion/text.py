"""The text of a suggestion: TOML with comments that give the reasons."""

import json
from collections.abc import Iterator, Sequence

from cli.output import quantity
from cli.suggestion.fields import UNKNOWN_UNIT, snake_case
from cli.suggestion.suggestion import Suggestion
from shared.near_misses import unit_of
from shared.settings import MAX_SERIES
from shared.units import LONG_COLUMNS

_RESERVED = {"time", *LONG_COLUMNS}
"""Names that a tag or a field cannot have: InfluxDB's own, and those of the long layout."""


def toml_text(suggestion: Suggestion) -> str:
    """Return the declaration as TOML, which `loader datasets check` accepts."""
    names = declared_names(suggestion)
    lines = [
        *_comments(_summary(suggestion)),
        f"[{_key(suggestion.name)}]",
        f"measurement = {_value(snake_case(suggestion.name))}",
        *_pattern_lines(suggestion),
        *_time_lines(suggestion),
        *_revision_lines(suggestion),
        *_tag_lines(suggestion, names),
        *_limit_lines(suggestion),
        *_field_lines(suggestion, names),
        *_comments(_left_out(suggestion)),
        *_alias_lines(suggestion, names),
    ]
    return "\n".join(lines) + "\n"


def declared_names(suggestion: Suggestion) -> dict[str, str]:
    """Return the names in the declaration of the columns that become tags or fields: snake case, each used once."""
    columns = [*suggestion.tags, *([] if suggestion.long_columns else suggestion.units)]
    used, names = {suggestion.time.name, *_RESERVED, *suggestion.path_tags, *suggestion.units}, dict[str, str]()
    for column in columns:
        used.discard(column)
        name = base = snake_case(column)
        number = 2
        while name in used or (name != column and name in columns):
            name, number = f"{base}_{number}", number + 1
        names[column] = name
        used.add(name)
    return names


def _summary(suggestion: Suggestion) -> Iterator[str]:
    yield (
        f"Suggested from {suggestion.rows:,} of {quantity(suggestion.file_rows, 'row')}. Read the comments, then add "
        "this to datasets.toml."
    )
    yield (
        f"These rows make {quantity(suggestion.series, 'series', 'series')}, and their times touch "
        f"{quantity(suggestion.shards, 'shard')} of seven days."
    )


def _pattern_lines(suggestion: Suggestion) -> Iterator[str]:
    if suggestion.key_pattern:
        yield from _comments(
            [
                "No folder of the path is dataset=NAME, so the keys of the dataset are those that match this pattern.",
                "If they begin with other folders, write these in front.",
            ]
        )
        yield f"key_pattern = {_value(suggestion.key_pattern)}"


def _time_lines(suggestion: Suggestion) -> Iterator[str]:
    time = suggestion.time
    others = f" The others are {_list(time.others)}." if time.others else ""
    reason = "The column that best fits a time of measurement." if others else "The only column of times."
    yield from _comments([reason + others])
    yield f"timestamp = {_value(time.name)}"
    if time.epoch:
        yield from _comments(["Its integers are plausible times in this unit."])
        yield f"epoch = {_value(time.epoch)}"
    elif time.is_local:
        yield from _comments([suggestion.zone_reason])
        yield f"zone = {_value(suggestion.zone)}"


def _revision_lines(suggestion: Suggestion) -> Iterator[str]:
    if suggestion.revision:
        yield from _comments(["The folder of the key that tells when a file was made; the newest values stand."])
        yield f"revision = {_value(suggestion.revision)}"


def _tag_lines(suggestion: Suggestion, names: dict[str, str]) -> Iterator[str]:
    required = [*suggestion.path_tags, *(names[tag] for tag in suggestion.tags if tag in suggestion.required)]
    optional = [names[tag] for tag in suggestion.tags if tag not in suggestion.required]
    yield from _comments(_tag_reasons(suggestion))
    yield f"required_tags = {_value(required)}"
    if optional:
        yield from _comments(["Tags that some of the rows or files have no value of."])
        yield f"optional_tags = {_value(optional)}"
    if suggestion.path_tags:
        yield from _comments(["Tags whose values are not in the files, but in the folders of their keys."])
        yield f"path_tags = {_value(list(suggestion.path_tags))}"


def _tag_reasons(suggestion: Suggestion) -> Iterator[str]:
    if suggestion.collisions:
        yield (
            f"These tags distinguish all but {quantity(suggestion.collisions, 'row')}, and no other column helps: of "
            "rows with the same tags and time, only the last is loaded. For example:"
        )
        yield from (f"  {example}" for example in suggestion.examples)
    elif suggestion.tags or suggestion.path_tags:
        yield "The smallest set of columns that distinguishes all rows, together with the time."
    else:
        yield "No two rows have the same time, so no tag is needed."
    if suggestion.followers:
        yield f"As tags, these would not add a series, since each series has one value: {_list(suggestion.followers)}."


def _limit_lines(suggestion: Suggestion) -> Iterator[str]:
    if suggestion.series > MAX_SERIES:
        yield from _comments(["This many series cost InfluxDB much memory: check that each tag is needed."])
        yield f"max_series = {suggestion.series * 2}"


def _field_lines(suggestion: Suggestion, names: dict[str, str]) -> Iterator[str]:
    if suggestion.long_columns:
        yield from _comments(["One value in each row: the field is the one with the unit of the row."])
    yield "fields = ["
    for column, unit in suggestion.units.items():
        yield f"  {{ name = {_value(names.get(column, column))}, unit = {_value(unit)} }},{_unit_comment(column, unit)}"
    yield "]"


def _unit_comment(column: str, unit: str) -> str:
    if unit != UNKNOWN_UNIT:
        return ""
    named = unit_of(column)
    return f"  # named {named}, and stored as it is: write the unit" if named else "  # write the unit"


def _left_out(suggestion: Suggestion) -> Iterator[str]:
    if suggestion.others:
        yield "Columns that are left out:"
        yield from (f"  {name}: {reason}" for name, reason in suggestion.others.items())


def _alias_lines(suggestion: Suggestion, names: dict[str, str]) -> Iterator[str]:
    long_names = {column: name for name, column in suggestion.long_columns.items()}
    aliases = {column: name for column, name in (names | long_names).items() if column != name}
    if aliases:
        yield ""
        yield f"[{_key(suggestion.name)}.aliases]"
        yield from (f"{_value(column)} = {_value(name)}" for column, name in aliases.items())


def _comments(lines: Iterator[str] | Sequence[str]) -> Iterator[str]:
    """Yield each line as a comment. Names and values come from files, so they may contain line breaks."""
    for line in lines:
        yield "# " + "".join(letter if letter.isprintable() else "?" for letter in line)


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("_", "").replace("-", "").isalnum() else _value(name)


def _value(value: str | list[str]) -> str:
    """Return a text or a list of texts as TOML, whose escapes are those of JSON, which need not escape DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
