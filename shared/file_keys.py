"""What the key of an S3 object tells: whether it is a file to load, and the values of its folders.

PinSource, the backfill, ReportBackfill and the CLI apply the rule: `skip_kind` is for counting, `reason_to_skip` for
people. The S3 event trigger only narrows what starts an execution, since a pattern of EventBridge cannot express the
rule. `folder_values` reads the folders of partitions, and `key_values` those or the groups of a key pattern.
"""

from typing import Literal, NamedTuple
from urllib.parse import unquote

from shared.key_patterns import folder_pattern, group_names, pattern_values

FILE_SUFFIX = ".parquet"
ANY_SUFFIX = "*"
"""Stands for every suffix, and for names without one, such as `part-00000`."""

TEMPORARY_FOLDER = "_temporary"
"""The folder in which Spark and Hadoop write files before they rename them."""

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
"""The value of a folder that Hive and Spark write for rows without a value."""

SkipKind = Literal["", "folder", "hidden", "suffix"]
"""The kinds of keys that are not files to load; "" if the key is that of a file.

`folder` is an empty object that stands for a folder, `hidden` a file that its writer hides from readers.
"""


class FileRule(NamedTuple):
    """The settings of the rule.

    `suffixes` are in lower case, with their dot, or ANY_SUFFIX. The folders of `prefix`, under which the files are, may
    have any name.
    """

    suffixes: tuple[str, ...] = (FILE_SUFFIX,)
    prefix: str = ""


def skip_kind(key: str, rule: FileRule) -> SkipKind:
    """Return the kind of a key that is not that of a file to load, or "".

    >>> [skip_kind(key, FileRule()) for key in ("_col=1/a.PARQUET", "a.csv", "_delta_log/1.parquet", "year=2024/")]
    ['', 'suffix', 'hidden', 'folder']
    """
    if _hidden_part(key, rule):
        return "hidden"
    if key.endswith("/"):
        return "folder"
    return "" if ANY_SUFFIX in rule.suffixes or key.lower().endswith(rule.suffixes) else "suffix"


def reason_to_skip(key: str, rule: FileRule) -> str:
    """Return why an object with this key is not a file to load, or "" if it is one."""
    match skip_kind(key, rule):
        case "hidden":
            part = _hidden_part(key, rule)
            return f"a hidden or temporary file of its writer: {part!r} begins with {part[0]!r}"
        case "folder":
            return f"a folder, not a file: {key!r}"
        case "suffix":
            return f"not a {' or '.join(rule.suffixes)} file: {key.rpartition('/')[2]!r}"
    return ""


def table_folder(key: str) -> str | None:
    """Return the folder of the Delta or Iceberg table whose metadata an object with this key holds, or None.

    >>> [table_folder(key) for key in ("a/_delta_log/00.json", "b/metadata/v1.metadata.json", "a/part-0.parquet")]
    ['a/', 'b/', None]
    """
    folder, _, name = key.rpartition("/")
    parent, slash, last = folder.rpartition("/")
    is_delta = last == "_delta_log" and name.endswith(".json")
    is_iceberg = last == "metadata" and name.endswith(".metadata.json")
    return f"{parent}{slash}" if is_delta or is_iceberg else None


def folder_values(key: str, name: str) -> list[str]:
    """Return the value of each folder `<name>=<value>/` of a key, without escapes; "" is no value.

    >>> key = "dataset=wind/region=S%C3%A3o%20Paulo/operator=__HIVE_DEFAULT_PARTITION__/a.parquet"
    >>> [folder_values(key, name) for name in ("region", "operator", "plant_name")]
    [['São Paulo'], [''], []]
    """
    folders = (folder.partition("=") for folder in key.split("/")[:-1])
    return [_decode(value) for column, equals, value in folders if equals and _decode(column) == name]


def key_values(key: str, name: str, pattern: str | None) -> list[str]:
    """Return the values of a key for a path tag or a revision, without escapes; "" is no value.

    They are in the group of the key pattern with this name, or else in folders `<name>=<value>/`. The key may end with
    the folder that has the group, if its depth in the pattern is certain.

    >>> [key_values(key, "version", "raw/{version}/*.parquet") for key in ("raw/v2/a.parquet", "raw/v2/", "raw/a")]
    [['v2'], ['v2'], []]
    """
    if pattern is None or name not in group_names(pattern):
        return folder_values(key, name)
    folder = folder_pattern(pattern, name)
    values = pattern_values(f"{folder}**" if folder else pattern, key)
    return [_decode(values[name])] if values else []


def _decode(text: str) -> str:
    """Return a part of a key without escapes. Escapes that are not UTF-8 stay as they are."""
    try:
        return "" if text == NO_VALUE else unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text


def _hidden_part(key: str, rule: FileRule) -> str:
    """Return the first part of the key that hides the object from readers, or "".

    Spark, Hive, Athena and Arrow ignore names that begin with "_" or ".", except folders of partitions.
    """
    *folders, name = key.removeprefix(rule.prefix).split("/")
    parts = [*(folder for folder in folders if "=" not in folder and folder not in (".", "..")), name]
    return next((part for part in parts if part.startswith(("_", "."))), "")
