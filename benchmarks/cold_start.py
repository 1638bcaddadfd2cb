"""What a function imports when it starts cold, in an interpreter that has only what Lambda gives it.

The layers are those of this machine's platform and Python; their files, the code, and the packages that Lambda's own
runtime brings (boto3) are all that can be imported. No bytecode is there, as on Lambda, and none is written.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from platform import machine
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory
from typing import cast
from zipfile import ZipFile

from infra_cdk.config import Architecture, PythonVersion
from infra_cdk.functions import PARQUET_READERS
from infra_cdk.layers import ROOT, build_layer

RUNTIME = ROOT / "build" / "venvs" / "lambda"
PYTHON = cast(PythonVersion, f"{sys.version_info.major}.{sys.version_info.minor}")
ARCHITECTURE: Architecture = "arm64" if machine() in ("aarch64", "arm64") else "x86_64"

_PROGRAM = """
import sys
sys.path[:0] = sys.argv[2:]
from importlib import import_module
from json import dumps
from time import process_time
began = process_time()
for name in sys.argv[1].split(","):
    import_module(name)
print(dumps([1000 * (process_time() - began), sorted(sys.modules)]))
"""


@dataclass(frozen=True, kw_only=True)
class Import:
    """In a fresh process: milliseconds of processor time, and every module that came with it."""

    cpu_ms: float
    modules: frozenset[str]

    @property
    def packages(self) -> set[str]:
        """Their top-level names."""
        return {module.partition(".")[0] for module in self.modules}


@dataclass(frozen=True)
class Functions:
    """`folder` holds the code and the unpacked layers."""

    folder: Path

    def modules(self, function: str) -> list[str]:
        """All of a function's own, by name."""
        files = sorted((self.folder / "code" / "functions" / function).glob("*.py"))
        return [f"functions.{function}.{file.stem}" for file in files]

    def start(self, function: str) -> Import:
        """As Lambda does before the first call: import the handler. Raises CalledProcessError."""
        return self.load(function, [f"functions.{function}.handler"])

    def load(self, function: str, modules: Sequence[str]) -> Import:
        """Import these, one after another. Raises CalledProcessError."""
        python = [str(RUNTIME / "bin" / "python"), "-I", "-S", "-B", "-c", _PROGRAM]
        command = [*python, ",".join(modules), *self.path(function)]
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
        cpu_ms, imported = json.loads(ended.stdout)
        return Import(cpu_ms=cpu_ms, modules=frozenset(imported))

    def path(self, function: str) -> list[str]:
        """Where it finds modules."""
        layers = ["shared", "arrow"] if function in PARQUET_READERS else ["shared"]
        site_packages = RUNTIME / "lib" / f"python{PYTHON}" / "site-packages"
        return [str(self.folder / "code"), *(str(self.folder / name / "python") for name in layers), str(site_packages)]


@contextmanager
def unpacked_functions() -> Iterator[Functions]:
    """As Lambda unpacks them."""
    with TemporaryDirectory(prefix="cold-start-") as folder:
        copytree(ROOT / "functions", Path(folder, "code", "functions"), ignore=ignore_patterns("__pycache__"))
        for name, package in (("shared", "shared"), ("arrow", "")):
            with ZipFile(build_layer(name, python=PYTHON, architecture=ARCHITECTURE, package=package)) as layer:
                layer.extractall(Path(folder, name))
        yield Functions(Path(folder))


def median(imports: Iterable[Import]) -> Import:
    """The one in the middle, by processor time."""
    ordered = sorted(imports, key=lambda each: each.cpu_ms)
    return ordered[len(ordered) // 2]
