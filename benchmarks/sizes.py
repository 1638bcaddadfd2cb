"""`make sizes`: measure the size of the code and the layers, and the import time of each function."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from zipfile import ZipFile

from benchmarks.cold_start import ARCHITECTURE, PYTHON, Functions, Import, median, unpacked_functions
from infra_cdk.bytecode import find_compiler
from infra_cdk.config import Architecture, PythonVersion
from infra_cdk.functions import PARQUET_READERS
from infra_cdk.layers import build_code, build_layer
from shared.function_names import FUNCTION_NAMES, FunctionName

STARTS = 5
LIMIT_MIB = 250
DEPLOYED: PythonVersion = "3.13"

Starts = Mapping[FunctionName, Import]
"""The median start of each function."""

PAGE = """\
# Sizes and cold starts

Written by `make sizes`. Lambda limits the code and layers of a function to {limit} MiB unpacked, in total.

## What is uploaded (Python {deployed}, {bytecode} bytecode)

| asset | architecture | zip, MiB | unpacked, MiB |
|---|---|---|---|
{assets}

## What a cold start imports

Measured in a fresh process that has only the layers, the code and Lambda's own boto3: the median of {starts} starts on
one machine ({architecture}, Python {python}). Lambda imports the handler after it has downloaded and unpacked the code,
and before the first call. A function with less memory gets less processor time and takes longer.

Bytecode is in the assets if `cdk` ran on a machine with an interpreter of the deployed version; otherwise `cdk synth`
prints a warning, and each cold start compiles what it imports. boto3 belongs to Lambda's runtime and has bytecode in
both columns.

| function | layers | with bytecode, ms of processor time | without | modules |
|---|---|---|---|---|
{starts_table}

`make bench-load` measures the first load of a file on the local cloud, where every function starts cold, beside the
next one (`loader cold` and `loader warm` in `benchmarks/results/load.json`).
"""


def main() -> None:
    """Print the page to standard output."""
    with unpacked_functions() as functions:
        compiled = _starts(functions)
        functions.delete_bytecode()
        starts_table = "\n".join(_compare(compiled, _starts(functions)))
    page = PAGE.format(
        limit=LIMIT_MIB,
        deployed=DEPLOYED,
        bytecode="with" if find_compiler(DEPLOYED) else "without",
        starts=STARTS,
        architecture=ARCHITECTURE,
        python=PYTHON,
        assets="\n".join(_assets()),
        starts_table=starts_table,
    )
    sys.stdout.write(page)


def _assets() -> Iterator[str]:
    yield _asset("code", "any", build_code(DEPLOYED))
    yield _asset("code of DeletePoints", "any", build_code(DEPLOYED, deletes=True))
    architectures: tuple[Architecture, ...] = ("arm64", "x86_64")
    for architecture in architectures:
        for name, package in (("shared", "shared"), ("arrow", "")):
            layer = build_layer(name, python=DEPLOYED, architecture=architecture, package=package)
            yield _asset(f"layer `{name}`", architecture, layer)


def _asset(name: str, architecture: str, asset: Path) -> str:
    with ZipFile(asset) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    return f"| {name} | {architecture} | {asset.stat().st_size / 2**20:.1f} | {unpacked / 2**20:.1f} |"


def _starts(functions: Functions) -> Starts:
    rounds = [{name: functions.start(name) for name in FUNCTION_NAMES} for _ in range(STARTS)]
    return {name: median(starts[name] for starts in rounds) for name in FUNCTION_NAMES}


def _compare(compiled: Starts, uncompiled: Starts) -> Iterator[str]:
    for name, start in compiled.items():
        layers = "shared, arrow" if name in PARQUET_READERS else "shared"
        yield f"| {name} | {layers} | {start.cpu_ms:.0f} | {uncompiled[name].cpu_ms:.0f} | {len(start.modules)} |"


if __name__ == "__main__":
    main()
