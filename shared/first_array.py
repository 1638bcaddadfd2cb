"""The first Arrow array of a process, which must not make pyarrow import pandas."""

import sys
from types import SimpleNamespace

import pyarrow as pa


def create_first_array_without_pandas() -> None:
    """Create an Arrow array while pandas cannot be imported.

    The first array that pyarrow creates makes it import pandas (0.2 to 0.4 s, 60 MiB), which only timestamps in text
    need. Fail that one import: pyarrow remembers that pandas is missing, and our own later `import pandas` still works.
    The packages of all functions that use Arrow call this.
    """

    def refuse(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    finder = SimpleNamespace(find_spec=refuse)
    sys.meta_path.insert(0, finder)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(finder)
