"""The warnings about other files that have values for the points of a load, in a dataset without revisions."""

from contextlib import suppress
from typing import TYPE_CHECKING, cast

from shared.datasets import DATASETS
from shared.events import LoadState
from shared.stored import OverlappingFiles
from shared.work_bucket import get_json, overlaps_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def overlap_warnings(client: "S3Client", state: LoadState) -> list[str]:
    """Return the warnings of a load."""
    file = state.get("file")
    dataset = DATASETS.get(file["dataset"]) if file else None
    if file is None or dataset is None or dataset.revision is not None:
        return []
    with suppress(client.exceptions.NoSuchKey):
        key = overlaps_key(file["load_id"], state["execution"]["name"])
        return _warnings(cast(OverlappingFiles, get_json(client, key)))
    return []


def _warnings(files: OverlappingFiles) -> list[str]:
    warnings = list[str]()
    if overlapping := files["overlapping"]:
        warnings.append(
            f"{_subject(overlapping)} values for points of this file, and the dataset declares no revision: the values "
            "that were written last stand, by accident. `loader overlaps` lists the pairs of files"
        )
    if unknown := files["not_compared"]:
        warnings.append(
            f"{_subject(unknown)} points at the times of this file, but no footprint, so it is unknown whether any are "
            "the same. Run `loader footprints`, then `loader overlaps`"
        )
    if more := files.get("more"):
        subject, verb = ("1 other file", "was") if more == 1 else (f"{more:,} other files", "were")
        warnings.append(
            f"{subject} with points at the times of this file {verb} not compared, since the files are too many or too "
            "large: `loader overlaps` compares all of them"
        )
    return warnings


def _subject(files: list[str]) -> str:
    """Return a subject with its verb.

    >>> _subject(["s3://lake/a"]), _subject(["s3://lake/a", "s3://lake/b"])
    ('s3://lake/a has', 's3://lake/a and 1 more file have')
    """
    if len(files) == 1:
        return f"{files[0]} has"
    more = len(files) - 1
    return f"{files[0]} and {more:,} more {'file' if more == 1 else 'files'} have"
