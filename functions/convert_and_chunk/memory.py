"""A function that limits itself by its memory size: what does not fit is an error with a name, not a kill."""

import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from shared.errors import RecordsTooLargeError

_SPARE_KIB = 100 * 1024
"""For what grows without being data: stacks, code pages, the runtime's own process."""


@contextmanager
def bounded_memory(environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Allocate no more than the function has. Raises RecordsTooLargeError. Outside Lambda there is no limit."""
    size = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if size:
        resource.setrlimit(resource.RLIMIT_DATA, (_data_limit(int(size) << 10) << 10, hard))
    try:
        yield
    except MemoryError as error:
        raise RecordsTooLargeError(
            f"a part of the file does not fit into the function's memory of {size} MiB ({error}): "
            "write smaller row groups and shorter texts, or give ConvertAndChunk more memory"
        ) from error
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _data_limit(size_kib: int) -> int:
    """RLIMIT_DATA in KiB: what is mapped by now, which the kernel counts, and what may still become resident."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    mapped, resident = (int(status[name].removesuffix("kB")) for name in ("VmData", "VmRSS"))
    return mapped + max(0, size_kib - resident - _SPARE_KIB)
