"""The layout of `cli/`: commands do not import each other, every module has a test, and create_token runs alone."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from cli import lazy_commands

ROOT = Path(__file__).parents[2]
MODULES = sorted(path.relative_to(ROOT / "cli") for path in (ROOT / "cli").rglob("*.py") if path.stem != "__init__")
COMMANDS = [path for path in MODULES if path.parts[0] == "commands"]


def imports_of(path: Path) -> set[str]:
    """The modules that a module imports, at its top or inside its functions, with the names that it imports of them."""
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports would hide what is imported"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def is_of(package: str, name: str) -> bool:
    return f"{name}.".startswith(f"{package}.")


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_no_command_imports_another(command: Path) -> None:
    assert not {name for name in imports_of(ROOT / "cli" / command) if is_of("cli.commands", name)}


def test_every_command_is_a_line_of_the_help() -> None:
    assert sorted(lazy_commands.COMMANDS) == sorted(command.stem for command in COMMANDS)


def test_what_commands_share_does_not_import_them() -> None:
    shared = [path for path in MODULES if path not in COMMANDS and path.stem != "app"]
    assert {path.parts[0] for path in shared} >= {"deployed", "output.py", "load_result.py"}
    for path in shared:
        assert not {name for name in imports_of(ROOT / "cli" / path) if is_of("cli.commands", name)}, path


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_a_test_of_its_name(module: Path) -> None:
    test = ROOT / "tests/functional/cli" / module.with_name(f"test_{module.name}")
    assert test.exists(), f"write {test.relative_to(ROOT)}"
    names = [node.name for node in ast.parse(test.read_text()).body if isinstance(node, ast.FunctionDef)]
    assert any(name.startswith("test_") for name in names)


def test_create_token_needs_nothing_but_boto3() -> None:
    imported = {name.partition(".")[0] for name in imports_of(ROOT / "cli/create_token.py")}
    assert imported - sys.stdlib_module_names == {"boto3"}


def test_create_token_runs_alone(tmp_path: Path) -> None:
    copy = tmp_path / "create_token.py"
    copy.write_bytes((ROOT / "cli/create_token.py").read_bytes())
    command = [sys.executable, "-I", str(copy), "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "--admin-secret" in shown.stdout
