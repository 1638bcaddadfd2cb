"""The search for the Delta or Iceberg table that a file may belong to."""

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from shared.file_keys import table_folder
from shared.logs import logger
from shared.tables import metadata_folders

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_FOLDERS = 1024
"""The number of folders whose result is kept."""

_OBJECTS = 100
"""How many objects of a folder are looked at: a table has many files, but also other files than its metadata."""


def find_table(client: "S3Client", bucket: str, key: str, today: date) -> str | None:
    """Return the folder of the table that a file seems to belong to, None if there is none.

    It is only for a warning, so it is None as well if the folder cannot be listed.
    """
    try:
        tables = (_table_of(client, bucket, folder, today) for folder in metadata_folders(key))
        return next((table for table in tables if table is not None), None)
    except (BotoCoreError, ClientError):
        logger.warning("whether the file belongs to a table is unknown", exc_info=True)
        return None


@lru_cache(maxsize=MAX_FOLDERS)
def _table_of(client: "S3Client", bucket: str, folder: str, today: date) -> str | None:  # noqa: ARG001
    """Return the folder of the table that has this folder of metadata; None if there is none.

    A function lists a folder once per day, since most folders have many files to load.
    """
    reply = client.list_objects_v2(Bucket=bucket, Prefix=folder, MaxKeys=_OBJECTS)
    tables = (table_folder(each["Key"]) for each in reply.get("Contents", []))
    return next((table for table in tables if table is not None), None)
