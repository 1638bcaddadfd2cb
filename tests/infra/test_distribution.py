"""The installed package: the command `loader`, without tests."""

import tomllib
from importlib.metadata import entry_points
from pathlib import Path

from setuptools import find_packages

from cli.main import main

ROOT = Path(__file__).parents[2]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]


def test_only_what_the_command_imports_is_packed() -> None:
    packages = find_packages(str(ROOT), include=SETUPTOOLS["packages"]["find"]["include"])
    assert {package.partition(".")[0] for package in packages} == {"cli", "functions", "local", "shared"}


def test_the_command_is_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="loader")
    assert command.load() is main


def test_a_page_s_template_is_packed_beside_its_code() -> None:
    (pattern,) = SETUPTOOLS["package-data"]["*"]
    assert {path.name for path in (ROOT / "functions").rglob(pattern)} == {"page.html"}
