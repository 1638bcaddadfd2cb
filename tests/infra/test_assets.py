"""The assets that a deployment uploads: the code and the layers."""

from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from infra_cdk.layers import ROOT, build_layer
from tests.infra.conftest import Assembly

LIMIT_BYTES = 240 * 2**20  # Lambda's is 250 MiB for the code and its layers


def unpacked(zip_file: Path) -> dict[str, int]:
    with ZipFile(zip_file) as archive:
        return {entry.filename: entry.file_size for entry in archive.infolist()}


def layer_files(assembly: Assembly) -> dict[str, int]:
    layers = assembly.properties("Lambda::LayerVersion").values()
    return {
        name: size for layer in layers for name, size in unpacked(assembly.asset(layer["Content"]["S3Key"])).items()
    }


def code_folder(assembly: Assembly) -> Path:
    [key] = {function["Code"]["S3Key"] for function in assembly.functions.values()}
    return assembly.asset(key)


def files(folder: Path) -> Iterator[str]:
    return (file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def test_the_code_is_the_functions_folder_the_runbook_and_nothing_else(assembly: Assembly) -> None:
    functions = {f"functions/{name}" for name in files(ROOT / "functions") if "__pycache__" not in name}
    assert set(files(code_folder(assembly))) == functions | {"docs/operations.md"}


def test_code_and_layers_fit_into_lambda(assembly: Assembly) -> None:
    code = sum(file.stat().st_size for file in code_folder(assembly).rglob("*") if file.is_file())
    assert code + sum(layer_files(assembly).values()) < LIMIT_BYTES


def test_the_layers_hold_our_package_and_no_boto3(assembly: Assembly) -> None:
    names = layer_files(assembly)
    assert {f"python/shared/{name}" for name in files(ROOT / "shared") if name.endswith(".py")} <= names.keys()
    packages = {name.split("/")[1] for name in names}
    assert {"pyarrow", "numpy", "pandas", "influxdb_client", "isal", "orjson", "tenacity"} <= packages
    assert not packages & {"boto3", "botocore", "s3transfer"}


def test_a_layer_is_built_for_its_platform(assembly: Assembly) -> None:
    libraries = [name for name in layer_files(assembly) if ".cpython-" in name]
    assert libraries
    assert all("cpython-313-aarch64" in name for name in libraries)


def test_equal_ingredients_make_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = build_layer("shared", python="3.13", architecture="arm64", package="shared")
    monkeypatch.setattr("infra_cdk.layers.CACHE", tmp_path)
    again = build_layer("shared", python="3.13", architecture="arm64", package="shared")
    assert (built.name, built.read_bytes()) == (again.name, again.read_bytes())
