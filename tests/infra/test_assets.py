"""The assets that a deployment uploads: the code and the layers."""

import marshal
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from importlib.util import source_from_cache
from pathlib import Path
from zipfile import ZipFile

import pytest
from jinja2 import ModuleLoader

from benchmarks.cold_start import ARCHITECTURE, PYTHON
from infra_cdk.archives import ROOT
from infra_cdk.bytecode import find_compiler
from infra_cdk.config import Architecture
from infra_cdk.layers import SHARED_REQUIREMENTS, build_code, build_layer
from shared.pages.rendering import COMPILED
from shared.settings import STACK_NAME
from tests.infra.conftest import Assembly

LIMIT_BYTES = 240 * 2**20  # Lambda's is 250 MiB for the code and its layers
UNCHECKED_HASH = 1  # PEP 552: the bytecode has a hash of its source, which Python does not check
CODE = partial(build_code, PYTHON)
SHARED = partial(build_layer, "shared", python=PYTHON, architecture=ARCHITECTURE, package="shared")


def unpacked(zip_file: Path) -> dict[str, int]:
    with ZipFile(zip_file) as archive:
        return {entry.filename: entry.file_size for entry in archive.infolist()}


def is_bytecode(name: str) -> bool:
    return name.endswith(".pyc")


def source(name: str) -> str:
    """Return the source that a file of bytecode belongs to."""
    return source_from_cache(name)


def assets(architecture: Architecture) -> list[Path]:
    """Return the code and both layers, built for the Python that runs the tests, which always gives bytecode."""
    arrow = build_layer("arrow", python=PYTHON, architecture=architecture)
    shared = build_layer("shared", python=PYTHON, architecture=architecture, package="shared")
    return [build_code(PYTHON), shared, arrow]


def layer_files(assembly: Assembly) -> dict[str, int]:
    layers = assembly.properties("Lambda::LayerVersion").values()
    return {
        name: size for layer in layers for name, size in unpacked(assembly.asset(layer["Content"]["S3Key"])).items()
    }


def code_files(assembly: Assembly) -> dict[str, int]:
    [key] = {function["Code"]["S3Key"] for name, function in assembly.functions.items() if name != "delete_points"}
    return unpacked(assembly.asset(key))


def compiled_template(name: str) -> str:
    """Return the module that a build makes of a template."""
    folder, _, template = name.rpartition("/")
    return f"{folder}/{COMPILED}/{ModuleLoader.get_module_filename(template)}"


def files(folder: Path) -> Iterator[str]:
    return (file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def test_the_code_is_the_functions_folder_the_runbook_and_nothing_else(assembly: Assembly) -> None:
    others = (name for name in files(ROOT / "functions") if not name.startswith("delete_points/"))
    functions = {f"functions/{name}" for name in others if "__pycache__" not in name}
    functions |= {compiled_template(name) for name in functions if name.endswith(".html")}
    code = set(code_files(assembly))
    assert {name for name in code if not is_bytecode(name)} == functions | {"docs/operations.md"}
    assert {source(name) for name in code if is_bytecode(name)} <= functions


def test_code_and_layers_fit_into_lambda(assembly: Assembly) -> None:
    assert sum(code_files(assembly).values()) + sum(layer_files(assembly).values()) < LIMIT_BYTES


@pytest.mark.parametrize("architecture", [pytest.param("arm64", marks=pytest.mark.slow), "x86_64"])
def test_code_and_layers_fit_with_bytecode(architecture: Architecture) -> None:
    assert sum(sum(unpacked(asset).values()) for asset in assets(architecture)) < LIMIT_BYTES


def test_the_layers_hold_our_package_and_no_boto3(assembly: Assembly) -> None:
    names = layer_files(assembly)
    assert {f"python/shared/{name}" for name in files(ROOT / "shared") if name.endswith(".py")} <= names.keys()
    packages = {name.split("/")[1] for name in names}
    assert {"pyarrow", "numpy", "pandas", "influxdb_client", "isal", "orjson", "tenacity"} <= packages
    assert not packages & {"boto3", "botocore", "s3transfer"}


def test_templates_are_compiled_by_the_version_of_jinja_in_the_layer() -> None:
    assert f"jinja2=={version('jinja2')} " in SHARED_REQUIREMENTS.read_text()


def test_a_layer_is_built_for_its_platform(assembly: Assembly) -> None:
    libraries = [name for name in layer_files(assembly) if ".cpython-" in name]
    assert libraries
    assert all("cpython-313-aarch64" in name for name in libraries)


def test_every_module_has_bytecode_of_its_source() -> None:
    for asset in assets(ARCHITECTURE):
        names = set(unpacked(asset))
        sources = {name for name in names if name.endswith(".py")}
        assert sources
        assert {source(name) for name in names if is_bytecode(name)} == sources


@pytest.mark.parametrize(("asset", "target"), [("code", "/var/task/functions/"), ("shared", "/opt/python/")])
def test_bytecode_depends_on_no_date_and_no_folder_of_this_machine(asset: str, target: str) -> None:
    built = {"code": CODE, "shared": SHARED}[asset]()
    with ZipFile(built) as archive:
        bytecode = {name: archive.read(name) for name in archive.namelist() if is_bytecode(name)}
    flags = {int.from_bytes(content[4:8], "little") for content in bytecode.values()}
    assert flags == {UNCHECKED_HASH}
    code = [marshal.loads(content[16:]) for content in bytecode.values()]  # noqa: S302 our own files
    assert all(module.co_filename.startswith(target) for module in code)
    assert not any(str(ROOT).encode() in content for content in bytecode.values())


@pytest.mark.parametrize("build", [CODE, SHARED])
def test_two_builds_in_two_folders_have_equal_bytes(
    build: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = build()
    monkeypatch.setattr("infra_cdk.archives.CACHE", tmp_path / "another folder with a longer path")
    monkeypatch.setenv("ANOTHER_VARIABLE", "with a value")
    second_build = build()
    assert second_build != built
    assert (built.name, built.read_bytes()) == (second_build.name, second_build.read_bytes())


def test_without_an_interpreter_of_the_runtime_there_is_no_bytecode_and_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bytecode = CODE()
    monkeypatch.setattr("infra_cdk.archives.CACHE", tmp_path)
    monkeypatch.setattr("infra_cdk.archives.find_compiler", lambda _: None)
    without = CODE()
    assert without.name != with_bytecode.name
    assert not any(map(is_bytecode, unpacked(without)))


@pytest.mark.parametrize("variant", ["as_it_comes", "all_new"])
def test_synth_warns_if_there_is_no_bytecode(variants: Callable[[str], Assembly], variant: str) -> None:
    synthesized = variants(variant)
    metadata = (synthesized.folder / f"{STACK_NAME}.metadata.json").read_text()
    warns = "influxdb-loader:bytecode" in metadata
    assert warns is not any(map(is_bytecode, code_files(synthesized)))


@pytest.mark.parametrize(
    "program",
    [
        "exit 127",
        'echo \'["/usr/bin/python", "cpython-3-13-0-beta-f30d0d0a"]\'',
        'echo \'["/opt/pypy", "pypy-3-13-0-final-f3"]\'',
    ],
    ids=["a version that pyenv does not select", "a beta", "PyPy"],
)
def test_an_interpreter_that_cannot_compile_for_lambda_is_not_used(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python3.13"
    python.write_text(f"#!/bin/sh\n{program}\n")
    python.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.executable", str(python))
    assert find_compiler.__wrapped__("3.13") is None


def test_another_declaration_makes_another_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOADER_DATASETS", str(tmp_path / "datasets.toml"))
    monkeypatch.setattr("infra_cdk.archives.CACHE", tmp_path)
    names = []
    for declaration in ("", "[wells]", "[pumps]"):
        (tmp_path / "datasets.toml").write_text(declaration)
        layer = build_layer("shared", python="3.13", architecture="arm64", package="shared")
        assert ZipFile(layer).read("python/datasets.toml").decode() == declaration
        assert "python/shared/ons.toml" in ZipFile(layer).namelist()
        names.append(layer.name)
    assert len(set(names)) == len(names)


def test_equal_ingredients_make_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = build_layer("shared", python="3.13", architecture="arm64", package="shared")
    monkeypatch.setattr("infra_cdk.archives.CACHE", tmp_path)
    second_build = build_layer("shared", python="3.13", architecture="arm64", package="shared")
    assert (built.name, built.read_bytes()) == (second_build.name, second_build.read_bytes())
