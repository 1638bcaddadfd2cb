"""The memory limit of the conversion.

Lambda kills a function that exceeds its memory size, and the load would fail without a useful error. So the process
limits itself a little earlier: an allocation that does not fit then fails with RecordsTooLargeError.
"""

import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import HTTPClientError

from shared.errors import RecordsTooLargeError
from shared.settings import MEMORY_VARIABLE

_SPARE_KIB = 100 * 1024
"""The memory to leave for everything that is not data: stacks, code pages, and the process of the Lambda runtime."""


@contextmanager
def bounded_memory(environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Limit what the process can allocate to the memory size of the function, or do nothing if it is not set.

    Raises:
        RecordsTooLargeError: An allocation exceeded the limit.
    """
    size = environ.get(MEMORY_VARIABLE)
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if size:
        resource.setrlimit(resource.RLIMIT_DATA, (_data_limit(int(size) << 10) << 10, hard))
    try:
        yield
    except (MemoryError, HTTPClientError) as error:
        if not isinstance(error, MemoryError) and not isinstance(error.__context__, MemoryError):
            raise  # botocore makes an HTTPClientError of any exception during a request
        raise RecordsTooLargeError(
            f"a part of the file does not fit into the function's memory of {size} MiB ({error}): "
            "write the file with smaller row groups and shorter texts, or give ConvertAndChunk more memory"
        ) from error
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_limit(size_kib: int) -> int:
    """Return the RLIMIT_DATA that keeps resident memory below `size_kib`, in KiB.

    The kernel compares RLIMIT_DATA with mapped memory, but Lambda counts resident memory. So allow what is mapped now
    plus what can still become resident.

    Example: with a size of 1,769 MiB, 300 MiB mapped and 200 MiB resident, the limit is 300 + (1769 - 200 - 100) =
    1769 MiB.
    """
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    mapped_kib, resident_kib = (int(status[name].removesuffix("kB")) for name in ("VmData", "VmRSS"))
    return mapped_kib + max(0, size_kib - resident_kib - _SPARE_KIB)
