"""The errors of Arrow's Parquet parser become errors with a name, which retries cannot heal."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from shared.errors import CorruptParquetError, UnsupportedParquetError


@contextmanager
def parser_errors(name: str) -> Iterator[None]:
    """Translate what the parser raises.

    The parser raises an OSError for damage. Errors of the source (S3) pass unchanged, since `shared/source.py` has
    named them already.

    Args:
        name: The name of the file, for messages.

    Raises:
        CorruptParquetError: The file is damaged.
        UnsupportedParquetError: The file uses a feature of Parquet that Arrow does not implement.
    """
    try:
        yield
    except MemoryError:  # Arrow's is an ArrowException too
        raise
    except NotImplementedError as error:
        raise UnsupportedParquetError(
            f"{name} uses a feature of Parquet that the loader cannot read ({error}): write it again without it"
        ) from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise CorruptParquetError(f"{name} is damaged ({error}): write it again") from error
