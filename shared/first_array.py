"""The first Arrow array of a process, which must not make pyarrow import pandas."""

import sys
from types import SimpleNamespace

import pyarrow as pa


def create_first_array_without_pandas() -> None:
    """Create an Arrow array while pandas cannot be imported. A function that uses Arrow calls this when it is imported.

    Its first array makes pyarrow import pandas (0.2 to 0.4 s, 60 MiB), which only timestamps in text need. Fail that
    one import: pyarrow remembers that pandas is missing, and our own later `import pandas` still works.
    """

    def refuse(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)

    finder = SimpleNamespace(find_spec=refuse)
    sys.meta_path.insert(0, finder)
    pa.array([])
    sys.meta_path.remove(finder)
