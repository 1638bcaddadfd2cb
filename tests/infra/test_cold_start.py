"""The layers as Lambda unpacks them: everything imports, and small functions stay small."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from benchmarks.cold_start import RUNTIME, Functions, Import, unpacked_functions
from infra_cdk.archives import ROOT
from shared.function_names import FUNCTION_NAMES

ARROW = {"pyarrow", "pandas", "numpy"}


Start = Callable[[str], Import]


@pytest.fixture(scope="module")
def functions() -> Iterator[Functions]:
    with unpacked_functions() as unpacked:
        yield unpacked


@pytest.fixture(scope="module")
def start(functions: Functions) -> Start:
    """Return what the start of a function imports. Each is started once."""
    return cache(functions.start)


@pytest.mark.parametrize("name", FUNCTION_NAMES)
def test_every_module_imports_with_the_layers_alone(functions: Functions, name: str) -> None:
    modules = functions.modules(name)
    assert f"functions.{name}.handler" in modules
    assert set(modules) <= functions.load(name, modules).modules


@pytest.mark.parametrize("name", ["check_health", "write_batch", "report_load"])
def test_a_function_that_reads_no_parquet_starts_without_arrow(start: Start, name: str) -> None:
    assert start(name).packages & ARROW == set()


@pytest.mark.parametrize("name", ["validate_schema", "convert_and_chunk", "register_load", "delete_points"])
def test_pandas_is_imported_when_it_is_needed_and_not_before(start: Start, name: str) -> None:
    assert start(name).packages & ARROW == {"pyarrow", "numpy"}


@pytest.mark.parametrize("name", FUNCTION_NAMES)
def test_a_cold_start_compiles_nothing_and_needs_no_templates(start: Start, name: str) -> None:
    started = start(name)
    assert {path for path in started.compiled if path.endswith((".py", ".html"))} == set()
    assert "jinja2" not in started.packages


RESTORED = """
import random, sys
sys.path[:0] = sys.argv[2:]
from importlib import import_module
import_module(f"functions.{sys.argv[1]}.handler")
from awslambdaric.lambda_runtime_hooks_runner import run_after_restore
from shared.aws_clients import dynamodb_resource, s3_client
snapshot = random.getstate()
run_after_restore()
print(random.getstate() != snapshot, s3_client.cache_info().currsize, dynamodb_resource.cache_info().currsize)
"""


@pytest.mark.parametrize("name", FUNCTION_NAMES)
def test_a_snapshot_has_no_connection_and_no_random_state_that_environments_share(
    functions: Functions, start: Start, name: str
) -> None:
    assert start(name).connected == set()
    command = [str(RUNTIME / "bin" / "python"), "-I", "-S", "-B", "-c", RESTORED, name, *functions.path(name)]
    restored = subprocess.run(command, capture_output=True, text=True, check=True)
    assert restored.stdout.split() == ["True", "0", "0"]


def test_nothing_comes_from_this_environment(functions: Functions, start: Start) -> None:
    assert "aws_cdk" not in start("check_health").packages
    assert str(ROOT) not in functions.path("check_health")
    assert sys.prefix not in "".join(functions.path("check_health"))


def test_sizes_are_documented() -> None:
    page = (ROOT / "docs" / "sizes.md").read_text()
    assert all(f"| {name} |" in page for name in FUNCTION_NAMES)
