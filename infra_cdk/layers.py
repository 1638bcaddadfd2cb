"""The Lambda layers as zip files, which uv builds for Lambda's platform without Docker.

`build_layer` installs the locked packages into a folder, adds our own package, and zips the files that functions use.
Equal inputs give equal bytes, so a deployment uploads a layer only when an input changes. The name of the cached
file contains a digest of all inputs.
"""

import hashlib
import subprocess
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from shutil import copytree, ignore_patterns
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from infra_cdk.config import Architecture, PythonVersion

ROOT = Path(__file__).parents[1]
CACHE = ROOT / "build" / "layers"
MAX_CACHED = 4
UV_PLATFORMS: dict[Architecture, str] = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}

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
        package: the folder of our own package to include, if any.

    Returns:
        The path of the zip file.
    """
    requirements = ROOT / "requirements" / f"layer-{name}.txt"
    sources = sorted((ROOT / package).rglob("*.py")) if package else []
    kind = f"{name}-{python}-{architecture}"
    zip_file = CACHE / f"{kind}-{_digest([requirements, Path(__file__), *sources])}.zip"
    if not zip_file.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        _delete_oldest(kind)
        with TemporaryDirectory(dir=CACHE) as folder:
            _install(requirements, Path(folder) / "python", python=python, platform=UV_PLATFORMS[architecture])
            if package:
                copytree(ROOT / package, Path(folder) / "python" / package, ignore=ignore_patterns("__pycache__"))
            _write_zip(Path(folder), Path(folder) / "layer.zip").rename(zip_file)
    return zip_file


def _delete_oldest(kind: str) -> None:
    """Delete the oldest zip files of a kind, and leave room for a new one.

    Each edit of the package makes another file. The latest are kept, because another branch may still use them.
    """
    by_age = sorted(CACHE.glob(f"{kind}-*.zip"), key=lambda file: file.stat().st_mtime)
    for file in by_age[: -MAX_CACHED + 1]:
        file.unlink(missing_ok=True)


def _digest(files: Iterable[Path]) -> str:
    content = hashlib.sha256()
    for file in files:
        content.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return content.hexdigest()[:16]


def _install(requirements: Path, folder: Path, *, python: str, platform: str) -> None:
    """Install the locked wheels; nothing is compiled here. Raises CalledProcessError after uv printed the reason."""
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable]
    target = ["--target", str(folder), "--python-version", python, "--python-platform", platform]
    locked = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-compile-bytecode"]
    subprocess.run([*uv, *target, *locked, "--requirements", str(requirements)], check=True)


def _write_zip(folder: Path, zip_file: Path) -> Path:
    """Write the files in sorted order and without modification times, so that equal files make an equal zip."""
    with ZipFile(zip_file, "w", ZIP_DEFLATED) as archive:
        for file in _used_files(folder / "python"):
            entry = ZipInfo(file.relative_to(folder).as_posix())
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, file.read_bytes())
    return zip_file


def _used_files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        if file.is_file() and not any(fnmatch(path, pattern) for pattern in UNUSED):
            yield file
