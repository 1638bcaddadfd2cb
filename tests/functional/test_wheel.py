"""The wheel of the `loader` command works in an environment of its own, without the repository."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

from local.wheel import LOCKED, ROOT, build_wheel, pins
from shared.code_digest import code_digest
from tests.support.builders import generation, parquet
from tests.support.command_line import NOWHERE

UV = [sys.executable, "-m", "uv"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("dist"))


def test_the_wheel_has_the_files_that_the_command_reads_and_exact_requirements(wheel: Path) -> None:
    archive = ZipFile(wheel)
    documents = (f"docs/{name}.md" for name in ("operations", "permissions", "deploy", "when-files-change"))
    files = (*documents, "docs/datasets.schema.json", "shared/ons.toml", "functions/report_load/page.html")
    for file in files:
        assert archive.read(file) == (ROOT / file).read_bytes()
    assert {name.partition("/")[0] for name in archive.namelist()} == {
        *("cli", "functions", "shared", "docs", "requirements"),
        f"influxdb_loader-{version('influxdb-loader')}.dist-info",
    }
    metadata = archive.read(next(name for name in archive.namelist() if name.endswith("/METADATA"))).decode()
    required = re.findall(r"^Requires-Dist: (.+)$", metadata, re.MULTILINE)
    assert [each.partition(";")[0] for each in required] == [pin.partition(" ;")[0] for pin in pins()]
    assert all(re.match(r"[\w-]+==[\w.]+$", each.partition(";")[0]) for each in required)
    assert (wheel.parent / LOCKED.name).read_bytes() == LOCKED.read_bytes()


def test_the_locked_requirements_are_those_of_the_functions_and_of_the_tests() -> None:
    locked = {
        name: set(re.findall(r"^(\S+==\S+)", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE))
        for name in ("layer-shared", "layer-arrow", "cli", "dev")
    }
    assert locked["layer-shared"] | locked["layer-arrow"] <= locked["cli"] <= locked["dev"]


@pytest.mark.slow
def test_the_wheel_works_in_an_environment_of_its_own(wheel: Path, tmp_path: Path) -> None:
    python = tmp_path / "environment" / "bin" / "python"
    subprocess.run([*UV, "venv", "-q", "--python", sys.executable, str(python.parents[1])], check=True)
    install = [*UV, "pip", "install", "-q", "--python", str(python)]
    subprocess.run([*install, "--require-hashes", "-r", str(wheel.parent / LOCKED.name)], check=True)
    subprocess.run([*install, "--offline", "--no-deps", str(wheel)], check=True)
    (tmp_path / "plants.parquet").write_bytes(parquet(generation(5)))

    def run(program: str, *arguments: str) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **NOWHERE}
        command = [str(python.with_name(program)), *arguments]
        return subprocess.run(command, check=True, cwd=tmp_path, env=environment, capture_output=True, text=True).stdout

    assert run("loader", "--version") == f"loader {version('influxdb-loader')}\n"
    assert "would load" in run("loader", "plan", "--detached", "plants.parquet", "--dataset", "generation")
    assert "[plants]\nmeasurement" in run("loader", "suggest", "plants.parquet")
    assert f"{tmp_path}/datasets.toml" in run("loader", "datasets")
    assert (
        run("python", "-c", "from shared.code_digest import code_digest; print(code_digest())") == f"{code_digest()}\n"
    )
    for name in ("RUNBOOK", "GUIDE"):
        document = run("python", "-c", f"from cli.checks import services; print(services.{name})").strip()
        assert Path(document).is_file()
    assert run("python", "-c", "import importlib.util; print(importlib.util.find_spec('local'))") == "None\n"
