"""`make sizes`: measure the size of the code and the layers, and the import time of each function."""

import io
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from benchmarks.cold_start import ARCHITECTURE, PYTHON, Functions, median, unpacked_functions
from infra_cdk.config import Architecture, PythonVersion
from infra_cdk.functions import PARQUET_READERS
from infra_cdk.layers import ROOT, build_layer
from shared.function_names import FUNCTION_NAMES

STARTS = 5
LIMIT_MIB = 250
DEPLOYED: PythonVersion = "3.13"

PAGE = """\
# Sizes and cold starts

Written by `make sizes`. Lambda limits the code and layers of a function to {limit} MiB unpacked, in total.

## What is uploaded (Python {deployed})

| asset | architecture | zip, MiB | unpacked, MiB |
|---|---|---|---|
{assets}

## What a cold start imports

Measured in a fresh process that has only the layers, the code and Lambda's own boto3, without bytecode: the median of
{starts} starts on one machine ({architecture}, Python {python}). Lambda imports the handler after it has downloaded
and unpacked the code, and before the first call. A function with less memory gets less processor time and takes longer.

| function | layers | processor time, ms | modules |
|---|---|---|---|
{starts_table}
"""


def main() -> None:
    """Print the page to standard output."""
    with unpacked_functions() as functions:
        starts_table = "\n".join(_starts(functions))
    page = PAGE.format(
        limit=LIMIT_MIB,
        deployed=DEPLOYED,
        starts=STARTS,
        architecture=ARCHITECTURE,
        python=PYTHON,
        assets="\n".join(_assets()),
        starts_table=starts_table,
    )
    sys.stdout.write(page)


def _assets() -> Iterator[str]:
    code = list((ROOT / "functions").rglob("*.py"))
    yield f"| code | any | {_zip_size(code) / 2**20:.2f} | {sum(file.stat().st_size for file in code) / 2**20:.2f} |"
    architectures: tuple[Architecture, ...] = ("arm64", "x86_64")
    for architecture in architectures:
        for name, package in (("shared", "shared"), ("arrow", "")):
            layer = build_layer(name, python=DEPLOYED, architecture=architecture, package=package)
            with ZipFile(layer) as archive:
                unpacked = sum(entry.file_size for entry in archive.infolist())
            size = layer.stat().st_size
            yield f"| layer `{name}` | {architecture} | {size / 2**20:.1f} | {unpacked / 2**20:.1f} |"


def _zip_size(files: Iterable[Path]) -> int:
    """Return the size of a zip of `files` in bytes."""
    target = io.BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(ROOT))
    return len(target.getvalue())


def _starts(functions: Functions) -> Iterator[str]:
    for name in FUNCTION_NAMES:
        start = median(functions.start(name) for _ in range(STARTS))
        layers = "shared, arrow" if name in PARQUET_READERS else "shared"
        yield f"| {name} | {layers} | {start.cpu_ms:.0f} | {len(start.modules)} |"


if __name__ == "__main__":
    main()
