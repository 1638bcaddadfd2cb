"""The folders `<name>=<value>` in the path of a file: its dataset, its revision, tags, and periods of time."""

import re
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
    """Return the folders that can become tags: those of the key, which begins at the folder of the dataset.

    >>> tag_folders(Path("x=1/dataset=wind/year=2024/processed_at=2024-08-01/region=N/a.parquet"))
    {'region': 'N'}
    """
    text = path.as_posix()
    if "dataset=" not in text:
        return {}
    folders = folders_of(Path(text[text.rindex("dataset=") :]))
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
