"""The wheel of the `loader` command, for isolated environments such as those of `uv tool install`: `make wheel`.

It contains the packages that the command imports and the files that they read, at the same places next to each other as
in the repository, and depends on exactly the packages of requirements/cli.txt, which is copied beside it.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from shutil import copy2, copytree, ignore_patterns
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "build" / "dist"
LOCKED = ROOT / "requirements" / "cli.txt"

PACKAGES = ("cli", "functions", "shared")
FILES = ("docs/*.md", "docs/datasets.schema.json", "requirements/layer-*.txt", "LICENSE")
"""The files besides the packages: the documents that messages name, the runbook among them, the schema of declarations,
and what the digest of the code includes.
"""


def build_wheel(output: Path) -> Path:
    """Build the wheel, put the locked requirements beside it, and return its path."""
    with TemporaryDirectory() as folder:
        source = Path(folder)
        for package in PACKAGES:
            copytree(ROOT / package, source / package, ignore=ignore_patterns("__pycache__"))
        for file in (file for pattern in FILES for file in ROOT.glob(pattern)):
            target = source / file.relative_to(ROOT)
            target.parent.mkdir(exist_ok=True)
            copy2(file, target)
        (source / "pyproject.toml").write_text(_project(), encoding="utf-8")
        command = [sys.executable, "-m", "uv", "build", "--quiet", "--wheel", "--no-build-isolation"]
        subprocess.run([*command, "--python", sys.executable, "--out-dir", str(output), folder], check=True)
    copy2(LOCKED, output / LOCKED.name)
    return max(output.glob("*.whl"), key=lambda wheel: wheel.stat().st_mtime)


def pins() -> list[str]:
    """Return the locked requirements without their hashes, as a wheel's metadata has them.

    They end with a backslash, which continues the line with the hashes.
    """
    return re.findall(r"^(\S+==.*?) \\$", LOCKED.read_text(encoding="utf-8"), re.MULTILINE)


def _project() -> str:
    """Return the pyproject.toml of the wheel. TOML's strings and lists of strings are those of JSON."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    kept = {name: project[name] for name in ("name", "version", "description", "license", "requires-python")}
    folders = [*(f"{package}*" for package in PACKAGES), "docs", "requirements"]
    return "\n".join(
        [
            "[project]",
            *(f"{name} = {json.dumps(value)}" for name, value in kept.items()),
            f"dependencies = {json.dumps(pins())}",
            f"scripts.loader = {json.dumps(project['scripts']['loader'])}",
            "[tool.setuptools]",
            f"packages.find = {{ include = {json.dumps(folders)}, namespaces = true }}",
            'package-data."*" = ["*.html", "*.json", "*.md", "*.toml", "*.txt"]',
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(f"{build_wheel(OUTPUT).relative_to(ROOT)}\n")
