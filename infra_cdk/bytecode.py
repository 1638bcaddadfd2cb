"""Bytecode for the code and the layers, so that a cold start does not compile them.

Lambda mounts both read-only, so without bytecode each new instance of a function compiles every module it imports,
which takes about two thirds of the time of the imports. `find_compiler` finds an interpreter of the functions' minor
version on this machine, since only that can make bytecode they can use. Equal sources give equal bytecode: the compiler
runs in a fresh process and in sorted order, and the files contain neither dates nor paths of this machine.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra_cdk.config import PythonVersion

INVALIDATION = "unchecked-hash"
"""Python uses such bytecode without a look at its source, whose date is lost in the zip."""

_DESCRIPTION = """
import json, sys
from importlib.util import MAGIC_NUMBER
version = [sys.implementation.name, *sys.version_info[:4], MAGIC_NUMBER.hex()]
print(json.dumps([sys.executable, "-".join(map(str, version))]))
"""


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """An interpreter that compiles for the functions.

    Attributes:
        python: The path of the interpreter.
        version: Its implementation, full version and magic number, such as `cpython-3-13-1-final-f30d0d0a`.
    """

    python: str
    version: str

    def compile(self, folder: Path, prefix: str) -> None:
        """Compile all modules in a folder. Raises CalledProcessError after `compileall` printed the reason.

        Args:
            folder: Where the modules are; the bytecode is added in its `__pycache__` folders.
            prefix: Where the functions see the folder. Tracebacks show this path.
        """
        isolated = [self.python, "-P", "-s", "-S", "-W", "ignore"]
        paths = ["-s", str(folder), "-p", prefix, str(folder)]
        command = [*isolated, "-m", "compileall", "-q", "-f", "--invalidation-mode", INVALIDATION, *paths]
        variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        subprocess.run(command, check=True, env=variables | {"PYTHONHASHSEED": "0"})


@cache
def find_compiler(python: PythonVersion) -> Compiler | None:
    """Return the interpreter of a minor version: the one that runs this, or the `python3.x` on the path, if any."""
    interpreters = [sys.executable, shutil.which(f"python{python}")]
    compilers = (_compiler(interpreter) for interpreter in interpreters if interpreter)
    version = f"cpython-{python.replace('.', '-')}-"
    return next((compiler for compiler in compilers if compiler and _is_release(compiler.version, version)), None)


def _is_release(version: str, prefix: str) -> bool:
    """Return whether Lambda can use the bytecode. Its format may change until a minor version is released."""
    return version.startswith(prefix) and "-final-" in version


def _compiler(interpreter: str) -> Compiler | None:
    """Return the compiler, or None if the interpreter does not run: pyenv has `python3.x` for versions not selected."""
    try:
        run = subprocess.run([interpreter, "-I", "-c", _DESCRIPTION], capture_output=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    python, version = json.loads(run.stdout)
    return Compiler(python=python, version=version)
