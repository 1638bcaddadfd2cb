"""The suite can fail: each patch in tests/mutants is a defect that the tests it names must notice."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local import ROOT

MUTANTS = sorted((ROOT / "tests/mutants").glob("*.patch"))
TREE = ("functions", "shared", "tests", "pyproject.toml", "local", "cli")
SOME_TESTS_FAILED = 1


def fails(test: str, tree: Path) -> bool:
    """Tell whether the test runs and fails in this tree."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-p", "no:cacheprovider", test]
    return subprocess.run(command, cwd=tree, check=False, capture_output=True).returncode == SOME_TESTS_FAILED


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.stem)
def test_a_defect_is_noticed(tmp_path: Path, mutant: Path) -> None:
    for name in TREE:
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tmp_path / name)
    subprocess.run(["git", "apply", str(mutant)], cwd=tmp_path, check=True)
    tests = re.findall(r"^Must fail: (.+)$", mutant.read_text(), re.MULTILINE)
    assert tests
    assert [test for test in tests if not fails(test, tmp_path)] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.stem)
def test_a_defect_can_still_be_made(mutant: Path) -> None:
    subprocess.run(["git", "apply", "--check", str(mutant)], cwd=ROOT, check=True)


def test_there_are_five_defects() -> None:
    assert len(MUTANTS) == 5
