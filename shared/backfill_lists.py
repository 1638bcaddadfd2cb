"""The lists of files to load, which state ListFiles stores in the work bucket for LoadFiles and ReportBackfill.

A backfill of many files makes several, one after the other: each is loaded before the next is made.
"""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, NotRequired, TypedDict, cast

from shared.settings import work_bucket
from shared.work_bucket import file_list_key, get_json, list_summary_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


MAX_TABLES = 20
"""How many folders of tables a backfill names."""


class ListedFile(TypedDict):
    """A file to load: a line of a list, as JSON, and the item of the Map LoadFiles.

    Attributes:
        key: The key of the object.
        version: The version, as the ledger names it.
        version_id: S3's id of the version to load if it is not the current one, since that is undone; "" otherwise.
        force: Load it whatever the ledger says.
        replaced: It was loaded into a bucket that was replaced since.
        former_execution: The execution that claimed it last; "" if none did.
    """

    key: str
    version: str
    version_id: str
    force: bool
    replaced: bool
    former_execution: str


class ListSummary(TypedDict):
    """What a list was made from.

    Attributes:
        files: The number of files, those to load included.
        not_checkable: How many of the loaded ones may be in a bucket that was replaced since.
        partly_loaded: The keys of those that are partly loaded.
        skipped: The number of objects that are not files to load, by the kind of their key
            (`shared.file_keys.SkipKind`), and "undone" for those whose loads were undone.
        absent: The keys of the manifest that name no object; they do not count as files.
        tables: The folders of tables (`shared.file_keys.table_folder`), but at most `MAX_TABLES`.
        older_revisions: The number of files that a newer revision of their slot replaces, which are not among `files`.
            A former release counted none.
    """

    files: int
    not_checkable: int
    partly_loaded: list[str]
    skipped: dict[str, int]
    absent: NotRequired[list[str]]
    tables: NotRequired[list[str]]
    older_revisions: NotRequired[int]


def read_files(client: "S3Client", execution: str, number: int) -> Iterator[ListedFile]:
    """Yield the files of a list."""
    body = client.get_object(Bucket=work_bucket(), Key=file_list_key(execution, number))["Body"]
    return (cast("ListedFile", json.loads(line)) for line in body.iter_lines())


def read_summary(client: "S3Client", execution: str, number: int) -> ListSummary:
    """Return the summary of a list."""
    return cast("ListSummary", get_json(client, list_summary_key(execution, number)))
