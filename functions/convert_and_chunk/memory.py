"""A function that limits itself by its memory size: what does not fit is an error with a name, not a kill."""

import os
import resource
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from shared.errors import RecordsTooLargeError

_OWN_SHARE = 0.85
"""Of the memory size; code pages and the runtime's process take the rest."""


@contextmanager
def bounded_memory(environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Allocate no more than the function has. Raises RecordsTooLargeError. Outside Lambda there is no limit."""
    if size := environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"):
        limit = int(int(size) * (1 << 20) * _OWN_SHARE)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    try:
        yield
    except MemoryError as error:
        raise RecordsTooLargeError(
            f"a part of the file does not fit into {size or 'the available'} MiB of memory ({error}): "
            "write smaller row groups and shorter texts, or give ConvertAndChunk more memory"
        ) from error
