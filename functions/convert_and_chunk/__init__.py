"""State ConvertAndChunk: one part of a Parquet file becomes line protocol, in gzip members of one batch each."""

import sys
from types import SimpleNamespace

import pyarrow as pa


def _go_without_pandas() -> None:
    """Pyarrow imports pandas with its first array: 0.4 s and 60 MiB that only times in text are worth.

    Where that import fails it goes on without, and asks no more until it is to make a DataFrame.
    """

    def refuse(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)

    finder = SimpleNamespace(find_spec=refuse)
    sys.meta_path.insert(0, finder)
    pa.array([])
    sys.meta_path.remove(finder)


_go_without_pandas()
