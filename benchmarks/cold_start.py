"""Measure what a function imports in a cold start, in an interpreter that has only what Lambda provides.

`unpacked_functions` unpacks the code and the layers for this machine's platform and Python. `Functions.start` then
imports a handler in a fresh interpreter that can import only these and the packages of Lambda's runtime (boto3). As on
Lambda, Python uses the bytecode in the assets, and writes none.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from platform import machine
from tempfile import TemporaryDirectory
from typing import cast
from zipfile import ZipFile

from infra_cdk.archives import ROOT
from infra_cdk.config import Architecture, PythonVersion
from infra_cdk.functions import PARQUET_READERS
from infra_cdk.layers import build_code, build_layer
from shared.function_names import DELETION_FUNCTIONS

RUNTIME = ROOT / "build" / "venvs" / "lambda"
PYTHON = cast(PythonVersion, f"{sys.version_info.major}.{sys.version_info.minor}")
ARCHITECTURE: Architecture = "arm64" if machine() in ("aarch64", "arm64") else "x86_64"

_START = """
import sys
sys.path[:0] = sys.argv[2:]
from importlib import import_module
"""
_PROGRAM = """
from json import dumps
from time import process_time
compiled, connected = [], []
def record(event, arguments):
    if event == "compile":
        compiled.append(str(arguments[1]))
    if event in ("socket.connect", "socket.getaddrinfo"):
        connected.append(str(arguments))
sys.addaudithook(record)
started = process_time()
for name in sys.argv[1].split(","):
    import_module(name)
print(dumps([1000 * (process_time() - started), sorted(sys.modules), compiled, connected]))
"""


@dataclass(frozen=True, kw_only=True)
class Import:
    """One import in a fresh process.

    Attributes:
        cpu_ms: Its processor time in milliseconds.
        modules: The names of all modules that it loaded.
        compiled: The paths of the sources that it compiled. Generated code has a name in angle brackets.
        connected: The addresses that it looked up or connected to.
    """

    cpu_ms: float
    modules: frozenset[str]
    compiled: frozenset[str]
    connected: frozenset[str]

    @property
    def packages(self) -> set[str]:
        """The top-level names of the modules."""
        return {module.partition(".")[0] for module in self.modules}


@dataclass(frozen=True)
class Functions:
    """The functions of the loader, as `folder` with the code and the unpacked layers."""

    folder: Path

    def modules(self, function: str) -> list[str]:
        """Return the names of all modules in the package of `function`."""
        files = sorted((self._code(function) / "functions" / function).glob("*.py"))
        return [f"functions.{function}.{file.stem}" for file in files]

    def start(self, function: str) -> Import:
        """Import the handler, as Lambda does before the first call. Raises CalledProcessError if it fails."""
        return self.load(function, [f"functions.{function}.handler"])

    def load(self, function: str, modules: Sequence[str]) -> Import:
        """Import `modules` in order, with the layers of `function`. Raises CalledProcessError if it fails."""
        cpu_ms, *names = json.loads(self.run(function, _PROGRAM, ",".join(modules)))
        imported, compiled, connected = map(frozenset, names)
        return Import(cpu_ms=cpu_ms, modules=imported, compiled=compiled, connected=connected)

    def run(self, function: str, program: str, argument: str) -> str:
        """Run a program with the layers of `function`, and return what it prints. Its first argument is `argument`.

        Raises:
            CalledProcessError: It fails.
        """
        command = [str(RUNTIME / "bin" / "python"), "-I", "-S", "-B", "-c", _START + program]
        process = subprocess.run([*command, argument, *self.path(function)], capture_output=True, text=True, check=True)
        return process.stdout

    def delete_bytecode(self) -> None:
        """Delete the bytecode of the code and the layers, so that the next starts compile them."""
        for file in self.folder.rglob("*.pyc"):
            file.unlink()

    def _code(self, function: str) -> Path:
        """Return the folder of the code: the function that deletes points has its own."""
        return self.folder / ("deletion" if function in DELETION_FUNCTIONS else "code")

    def path(self, function: str) -> list[str]:
        """Return the module search path of `function`."""
        layers = ["shared", "arrow"] if function in PARQUET_READERS else ["shared"]
        site_packages = RUNTIME / "lib" / f"python{PYTHON}" / "site-packages"
        return [str(self._code(function)), *(str(self.folder / name / "python") for name in layers), str(site_packages)]


@contextmanager
def unpacked_functions() -> Iterator[Functions]:
    """Unpack the code and the layers into a temporary folder, as Lambda does."""
    with TemporaryDirectory(prefix="cold-start-") as folder:
        assets = {
            "code": build_code(PYTHON),
            "deletion": build_code(PYTHON, deletes=True),
            "shared": build_layer("shared", python=PYTHON, architecture=ARCHITECTURE, package="shared"),
            "arrow": build_layer("arrow", python=PYTHON, architecture=ARCHITECTURE),
        }
        for name, asset in assets.items():
            with ZipFile(asset) as archive:
                archive.extractall(Path(folder, name))
        yield Functions(Path(folder))


def median(imports: Iterable[Import]) -> Import:
    """Return the import with the median processor time."""
    ordered = sorted(imports, key=lambda import_: import_.cpu_ms)
    return ordered[len(ordered) // 2]
