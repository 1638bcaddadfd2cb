"""What some code must not import: pandas costs a cold start 0.4 s and 60 MiB, and `make bench-convert` has no CDK.

mypy must read every module of aws_cdk that is imported.
"""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.builders import generation, parquet

ROOT = Path(__file__).parents[2]

CONVERT = """
import sys
from tests.support.builders import generation, long_generation
from tests.support.conversion import convert_table
table = {table}
assert len(convert_table(table).lines) == 2
print("pandas" in sys.modules)
"""


@pytest.mark.parametrize(
    ("table", "imported"),
    [
        ("generation(2)", False),
        ("generation(3, region=['N', None, 'S'], power_mw=['1.5', '-', ' 2 '], plant_name=[7, 8, None])", False),
        ("long_generation([1, 2**60, 3], ['MW', 'MW', 'kW'])", False),
        ("generation(2, timestamp=['2024-01-01', '2024-01-02'])", True),
    ],
)
def test_pandas_is_imported_for_times_in_text_only(table: str, imported: bool) -> None:  # noqa: FBT001
    command = [sys.executable, "-c", CONVERT.format(table=table)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"{imported}\n"


QUARANTINE = """
import sys
from pathlib import Path
from cli.deployed.quarantine import _rows
(row,) = _rows(Path(sys.argv[1]).read_bytes())
print(row.record, "pandas" in sys.modules)
"""


def test_the_rows_of_a_quarantine_are_read_without_pandas(tmp_path: Path) -> None:
    (file := tmp_path / "rows.parquet").write_bytes(parquet(generation(1, source_row=[7], rule=["a"], reason=["b"])))
    command = [sys.executable, "-c", QUARANTINE, str(file)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.startswith("{'timestamp': '2024-01-01 00:00:00Z', 'region': 'SE'")
    assert shown.endswith(" False\n")


WITHOUT_CDK = """
import sys
from unittest.mock import MagicMock
sys.modules |= {"aws_cdk": None, "questdb": MagicMock(), "questdb.ingress": MagicMock()}
import benchmarks.convert
"""
"""The environment of `make bench-convert` has no CDK, and the one of the tests no QuestDB."""


def test_the_benchmark_of_conversion_needs_no_cdk() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_CDK], check=True)


def modules_of_cdk(source: str) -> Iterator[str]:
    """Yield the modules of aws_cdk that a source imports; of `from aws_cdk import App` it is the package itself."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "aws_cdk")
        if isinstance(node, ast.ImportFrom) and (package := node.module or "").split(".")[0] == "aws_cdk":
            names = [f"{package}.{alias.name}" for alias in node.names]
            yield from (name if find_spec(name) else package for name in names)


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("from aws_cdk import App, aws_s3 as s3, assertions", {"aws_cdk", "aws_cdk.aws_s3", "aws_cdk.assertions"}),
        ("from aws_cdk.aws_s3_assets import Asset", {"aws_cdk.aws_s3_assets"}),
        ("import aws_cdk.aws_s3", {"aws_cdk.aws_s3"}),
        ("import aws_cdk_lib", set()),
    ],
)
def test_each_form_of_an_import_is_found(source: str, modules: set[str]) -> None:
    assert set(modules_of_cdk(source)) == modules


def test_mypy_reads_every_module_of_aws_cdk_that_is_imported() -> None:
    mypy = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    [read] = [override["module"] for override in mypy["overrides"] if override.get("follow_imports") == "normal"]
    sources = (file for folder in mypy["files"] for file in (ROOT / folder).rglob("*.py"))
    imported = {module for source in sources for module in modules_of_cdk(source.read_text())}
    assert imported | {"aws_cdk.interfaces", "aws_cdk.interfaces.*"} == set(read)  # from which their classes inherit
