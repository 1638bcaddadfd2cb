"""The memory and the timeout of each Lambda function."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.function_names import FunctionName
from shared.settings import CONVERSION_MEMORY_MIB


@dataclass(frozen=True, kw_only=True)
class Size:
    """The memory of a function, which also determines its share of the processors, and its timeout."""

    memory_mib: int
    timeout_s: int


SIZES: Mapping[FunctionName, Size] = {
    # Imports take most of the time; the one request to InfluxDB has a timeout of 10 s.
    "check_health": Size(memory_mib=512, timeout_s=60),
    # The largest footer that is accepted has 32 MiB, and takes about ten times that in memory.
    "validate_schema": Size(memory_mib=1024, timeout_s=120),
    # Two million rows take seconds; the rest of the timeout is for a slow S3.
    "convert_and_chunk": Size(memory_mib=CONVERSION_MEMORY_MIB, timeout_s=600),
    # Holds the lines of one chunk and a few footprints. Where no loads overlap, it takes a second or two.
    "register_load": Size(memory_mib=1769, timeout_s=600),
    # Holds one compressed chunk and mostly waits for InfluxDB. It returns before Lambda would end it.
    "write_batch": Size(memory_mib=512, timeout_s=300),
    # Reads up to 840 small outcomes.
    "report_load": Size(memory_mib=512, timeout_s=120),
    # Holds a footprint, and one to compare it with, and looks through those of all files in the same months.
    "find_stale": Size(memory_mib=1769, timeout_s=600),
    # Lists 100,000 files to load at a time, in about 30 MB.
    "list_files": Size(memory_mib=1024, timeout_s=900),
    # Reads 1,000 ledger items at a time, and keeps the files that are not loaded.
    "report_backfill": Size(memory_mib=1024, timeout_s=900),
    # Holds the points that one request removes, with their values, up to three times.
    "delete_points": Size(memory_mib=1769, timeout_s=900),
}
