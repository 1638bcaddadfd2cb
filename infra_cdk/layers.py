"""The Lambda layers and the code as zip files, which uv builds for Lambda's platform without Docker.

`build_layer` installs the locked packages into a folder, deletes what no function uses, and adds our own package.
`build_code` copies the functions. `infra_cdk.archives` compiles and zips these files, and caches the result.
"""

import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from shutil import copy, copytree, ignore_patterns, rmtree

from jinja2 import FileSystemLoader

from infra_cdk.archives import ROOT, build_zip
from infra_cdk.config import Architecture, PythonVersion
from shared.dataset_files import own_file
from shared.pages.rendering import COMPILED, environment

UV_PLATFORMS: dict[Architecture, str] = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
RUNBOOK = ROOT / "docs" / "operations.md"
DELETING = "functions/delete_points"
"""The folder of the only function that deletes points."""

SHARED_REQUIREMENTS = ROOT / "requirements" / "layer-shared.txt"
"""The requirements of the shared layer, among them the version of Jinja that compiled templates need."""

BYTECODE = ("__pycache__", "*.pyc")

UNUSED = (
    ".lock",
    "bin/*",
    "*/tests/*",
    "*.pyi",
    "*.pyx",
    "*.pxd",
    "*.pxi",
    "*.dist-info/RECORD",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/*.json",
    "numpy/f2py/*",
    "pyarrow/include/*",
    "pyarrow/src/*",
    "pyarrow/*flight*",
    "pyarrow/*_s3*",
    "pyarrow/*_gcsfs*",
    "pyarrow/*_azurefs*",
    "pyarrow/*_hdfs*",
    "pyarrow/*_orc*",
    "pyarrow/*_cpp_tests*",
    "pyarrow/libarrow*.so",
    "pyarrow/libarrow*.so.*.*",
    "pyarrow/libparquet*.so",
    "pyarrow/libparquet*.so.*.*",
)
"""Patterns of files that no function uses. Each pyarrow library is installed under several names, of which only the one
that other libraries link to is kept. Substrait, dataset and acero are kept because libarrow_python links to them."""


def build_layer(name: str, *, python: PythonVersion, architecture: Architecture, package: str = "") -> Path:
    """Build a layer, unless one with the same inputs is cached.

    Args:
        name: the layer's requirements are in `requirements/layer-<name>.txt`.
        python: the minor version of the runtime.
        architecture: the architecture of the functions.
        package: the folder of our own package to include, if any, with the datasets that the user declared.

    Returns:
        The path of the zip file.
    """
    requirements = ROOT / "requirements" / f"layer-{name}.txt"

    def write_files(folder: Path) -> None:
        packages = folder / "python"
        _install(requirements, packages, python=python, platform=UV_PLATFORMS[architecture])
        for file in _unused_files(packages):
            file.unlink()
        if package:
            _copy(package, packages)
            for file in declarations:
                (packages / "datasets.toml").write_bytes(file.read_bytes())

    declarations = [file for file in [own_file()] if package and file.exists()]
    inputs = [requirements, Path(__file__), *_sources(package), *declarations]
    kind = f"{name}-{python}-{architecture}"
    return build_zip(kind, inputs=inputs, python=python, target="/opt", write_files=write_files)


def _sources(package: str) -> list[Path]:
    """Return the files of a package of the repository, if one is named."""
    files = sorted((ROOT / package).rglob("*")) if package else []
    return [file for file in files if file.is_file() and not _is_bytecode(file)]


def build_code(python: PythonVersion, *, deletes: bool = False) -> Path:
    """Return the zip of `functions/` and the runbook, which reports quote, at their paths in the repository.

    The code that deletes points is in a zip of its own (`deletes`), so that no other function has it.
    """

    def write_files(folder: Path) -> None:
        if deletes:
            _copy(DELETING, folder)
            copy(ROOT / "functions" / "__init__.py", folder / "functions")
            return
        _copy("functions", folder)
        rmtree(folder / DELETING)
        runbook = folder / RUNBOOK.relative_to(ROOT)
        runbook.parent.mkdir()
        runbook.write_bytes(RUNBOOK.read_bytes())

    inputs = [RUNBOOK, Path(__file__), SHARED_REQUIREMENTS, *_sources("functions"), *_sources("shared/pages")]
    kind = "deletion" if deletes else "code"
    return build_zip(f"{kind}-{python}", inputs=inputs, python=python, target="/var/task", write_files=write_files)


def _is_bytecode(file: Path) -> bool:
    return any(fnmatch(part, pattern) for part in file.parts for pattern in BYTECODE)


def _copy(package: str, folder: Path) -> None:
    """Copy a package of the repository into a folder, without bytecode of other interpreters.

    Compile its Jinja templates to modules, too, so that the first page is not delayed.
    """
    copytree(ROOT / package, folder / package, ignore=ignore_patterns(*BYTECODE))
    for templates in sorted({file.parent for file in (folder / package).rglob("*.html")}):
        sources = environment(templates).overlay(loader=FileSystemLoader(templates))
        sources.compile_templates(templates / COMPILED, extensions=["html"], zip=None, ignore_errors=False)


def _install(requirements: Path, folder: Path, *, python: str, platform: str) -> None:
    """Install the locked wheels; nothing is compiled here. Raises CalledProcessError after uv printed the reason."""
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable]
    target = ["--target", str(folder), "--python-version", python, "--python-platform", platform]
    locked = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-compile-bytecode"]
    subprocess.run([*uv, *target, *locked, "--requirements", str(requirements)], check=True)


def _unused_files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        if file.is_file() and any(fnmatch(path, pattern) for pattern in UNUSED):
            yield file
