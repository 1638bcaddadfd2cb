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


def test_templates_and_declarations_are_packed_beside_their_code() -> None:
    patterns = SETUPTOOLS["package-data"]["*"]
    files = {path.name for folder in ("functions", "shared") for p in patterns for path in (ROOT / folder).rglob(p)}
    assert files == {"page.html", "base.html", "index.html", "copy.html", "copy.js", "ons.toml"}
