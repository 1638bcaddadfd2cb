"""The order of files that may write the same points: by revision, then by the version of the object.

A dataset may declare the name of a folder such as `processing_metadata_processed_at=<value>/`, whose value is the
revision of a file. `revision_of` reads it from the key, `slot_of` what the revisions of a file have in common, and
`is_newer_file` compares two versions of files.
"""

from datetime import UTC, datetime
from itertools import takewhile
from typing import TypedDict

from shared.datasets import Dataset
from shared.file_keys import folder_values, key_values
from shared.key_patterns import folder_pattern
from shared.ledger import is_newer


class FileVersion(TypedDict):
    """The facts that order the versions of all objects of a dataset.

    Attributes:
        revision: the revision in a form that sorts (`sort_key`); "" for a file without one, which is the oldest.
        source: the name of the object.
        source_version: the name of the version.
        last_modified: when the object was last modified, in seconds since 1970.
        sequencer: S3's sequencer of the version, or "" if the execution's input had none.
    """

    revision: str
    source: str
    source_version: str
    last_modified: int
    sequencer: str


def is_newer_file(one: FileVersion, other: FileVersion) -> bool:
    """Return whether the values of `one` stand where both versions have a value.

    Versions of one object are ordered as in the ledger, those of several objects by time. If that is equal, the names
    decide, only so that the order of arrival never does.
    """
    if one["revision"] != other["revision"]:
        return one["revision"] > other["revision"]
    if one["source"] != other["source"]:
        return (one["last_modified"], one["source"]) > (other["last_modified"], other["source"])
    return one["source_version"] != other["source_version"] and is_newer(one, other)


def revision_of(key: str, dataset: Dataset) -> str:
    """Return the revision that the key names, as it is written there without escapes, or "".

    >>> from shared.datasets import DATASETS
    >>> revision_of("dataset=generation/processing_metadata_processed_at=2024-08-01 03%3A04/a", DATASETS["generation"])
    '2024-08-01 03:04'
    """
    values = key_values(key, dataset.revision, dataset.key_pattern) if dataset.revision else []
    return values[0] if values else ""


def slot_of(key: str, dataset: Dataset) -> str:
    """Return the slot of a file, of which its dataset has one revision after the other: the key up to their folder.

    The slot of a file without a revision is the folder that it is in. Without a declared revision, it is the key.

    >>> from shared.datasets import DATASETS
    >>> slot_of("dataset=generation/month=01/processing_metadata_processed_at=2024/a", DATASETS["generation"])
    'dataset=generation/month=01/'
    >>> slot_of("dataset=generation/month=01/a", DATASETS["generation"])
    'dataset=generation/month=01/'
    """
    if (name := dataset.revision) is None:
        return key
    folders = key.split("/")[:-1]
    if dataset.key_pattern and (folder := folder_pattern(dataset.key_pattern, name)):
        return "".join(f"{each}/" for each in folders[: folder.count("/") - 1])
    outside = takewhile(lambda folder: not folder_values(f"{folder}/", name), folders)
    return "".join(f"{folder}/" for folder in outside)


def sort_key(revision: str) -> str:
    """Return a text that sorts like the revision: times in order of time, other values as text.

    A time without a zone is UTC. All times get one form, so the order has no circles, even if only some values are
    times.

    >>> sort_key("2024-08-01T00:04-03:00"), sort_key("v2")
    ('2024-08-01T03:04:00.000000', 'v2')
    """
    try:
        time = datetime.fromisoformat(revision)
        utc = (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return revision
    return utc.replace(tzinfo=None).isoformat(timespec="microseconds")
