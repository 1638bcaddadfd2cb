"""The errors of Arrow's Parquet parser become errors with a name, which retries cannot heal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from shared.errors import CorruptParquetError, UnsupportedParquetError

PARSER_ERRORS = (OSError, ValueError, pa.ArrowException)
"""What the parser raises."""


@contextmanager
def parser_errors(name: str, find_columns: Callable[[], Sequence[str]] = tuple) -> Iterator[None]:
    """Translate what the parser raises.

    The parser raises an OSError for damage. Errors of the source (S3) pass unchanged, since `shared/source.py` has
    named them already.

    Args:
        name: The name of the file, for messages.
        find_columns: Returns the columns that cannot be read. It is called only if an error was raised.

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
            f"{name} uses a feature of Parquet that the loader cannot read{_place(find_columns())} ({error}): write it "
            "again without it"
        ) from error
    except PARSER_ERRORS as error:
        raise CorruptParquetError(f"{name} is damaged{_place(find_columns())} ({error}): write it again") from error


def _place(columns: Sequence[str]) -> str:
    """Return where an error is, for a message.

    >>> _place(["region", "power_mw"]), _place([])
    (" in the columns 'region', 'power_mw'", '')
    """
    names = ", ".join(map(repr, columns))
    return f" in the column{'s' * (len(columns) > 1)} {names}" if columns else ""
