"""The folders `<name>=<value>` in the path of a file: its dataset, its revision, tags, and periods of time.

Keys that have no folder `dataset=<name>/` belong to a dataset by a pattern. `pattern_of` makes one from the paths.
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from shared.file_keys import folder_values
from shared.near_misses import is_time_of_file

_PERIOD = re.compile(r"(year|month|day|date|hour|minute|week|dt|ano|mes|dia|data|hora)s?", re.IGNORECASE)
"""Names of folders for periods of time, which the points have anyway."""

_TAG_NAME = re.compile(r"[A-Za-z][\w.-]*", re.ASCII)


def folders_of(path: Path) -> dict[str, str]:
    """Return the folders of a path, by name.

    >>> folders_of(Path("dataset=wind/region=S%C3%A3o/a.parquet"))
    {'dataset': 'wind', 'region': 'São'}
    """
    names = [part.partition("=")[0] for part in path.parts[:-1] if "=" in part]
    return {name: values[0] for name in names if (values := folder_values(path.as_posix(), name))}


def tag_folders(path: Path) -> dict[str, str]:
    """Return the folders that can become tags: those of the key, which begins at the folder of the dataset, if any.

    >>> tag_folders(Path("x=1/dataset=wind/year=2024/processed_at=2024-08-01/region=N/a.parquet"))
    {'region': 'N'}
    """
    text = path.as_posix()
    folders = folders_of(Path(text[max(0, text.rfind("dataset=")) :]))
    return {
        name: value
        for name, value in folders.items()
        if name != "dataset"
        and value
        and _TAG_NAME.fullmatch(name)
        and not _PERIOD.fullmatch(name)
        and not is_revision(name, value)
    }


def is_revision(folder: str, value: str) -> bool:
    """Return whether a folder holds the time at which its file was made.

    >>> is_revision("processed_at", "2024-08-01 03:04:05"), is_revision("day", "2024-08-01")
    (True, False)
    """
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return is_time_of_file(folder)


def pattern_of(paths: Sequence[Path], groups: Collection[str]) -> str:
    """Return a key pattern for files whose folders name no dataset; "" if a folder does, or no folder is NAME=VALUE.

    The folders of `groups` become groups; other values, and names that differ, become `*`. The pattern begins where a
    relative path begins, or else with the first folder NAME=VALUE, since nothing tells what is the key in a longer one.

    >>> paths = [Path("exports/region=N/year=2024/a.parquet"), Path("exports/region=S/year=2024/b.parquet")]
    >>> pattern_of(paths, ["region"])
    'exports/region={region}/year=*/*.parquet'
    """
    keys = [_key_parts(path) for path in paths]
    if not all(keys) or len({len(key) for key in keys}) > 1 or any("dataset" in folders_of(path) for path in paths):
        return ""
    levels = [_level_pattern(set(level), groups) for level in zip(*(key[:-1] for key in keys), strict=True)]
    return "/".join([*levels, f"*{paths[0].suffix}"])


def _key_parts(path: Path) -> Sequence[str]:
    """Return the parts of a path that are probably those of its key; none if it has no folder NAME=VALUE."""
    first = next((n for n, part in enumerate(path.parts[:-1]) if "=" in part), None)
    if first is None:
        return ()
    return path.parts if not path.is_absolute() and ".." not in path.parts else path.parts[first:]


def _level_pattern(names: set[str], groups: Collection[str]) -> str:
    """Return the part of a pattern that matches these names of folders."""
    columns = {name.partition("=")[0] for name in names if "=" in name}
    if len(columns) == 1 and all("=" in name for name in names):
        (column,) = columns
        is_group = column in groups and _TAG_NAME.fullmatch(column)
        return f"{column}={{{column}}}" if is_group else f"{column}=*"
    return "*" if len(names) > 1 or set("*{}") & set("".join(names)) else "".join(names)
