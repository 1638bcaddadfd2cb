"""The rule that tells which S3 objects are files to load, by their keys.

The S3 event trigger, the backfill state machine, PinSource, ReportBackfill and the CLI all use it. EventBridge and
Step Functions match patterns that are built from these constants; Python code calls `reason_to_skip`.
"""

from pathlib import PurePosixPath

FILE_SUFFIX = ".parquet"
TEMPORARY_FOLDER = "_temporary"
"""The folder in which Spark and Hadoop write files before they rename them."""


def reason_to_skip(key: str) -> str:
    """Return why an object with this key is not a file to load, or "" if it is one."""
    path = PurePosixPath(key)
    if TEMPORARY_FOLDER in path.parts[:-1]:
        return "a temporary file of its writer"
    if path.suffix.lower() != FILE_SUFFIX or key.endswith("/"):
        return f"not a {FILE_SUFFIX} file: {path.name!r}"
    return ""
