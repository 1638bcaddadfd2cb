"""The layers as Lambda unpacks them: everything imports, and small functions stay small."""

import sys
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from benchmarks.cold_start import Functions, Import, unpacked_functions
from infra_cdk.archives import ROOT
from infra_cdk.functions import PARQUET_READERS
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


@pytest.mark.parametrize("name", sorted(PARQUET_READERS))
def test_pandas_is_imported_when_it_is_needed_and_not_before(functions: Functions, start: Start, name: str) -> None:
    assert start(name).packages & ARROW == {"pyarrow", "numpy"}
    assert functions.run(name, WITH_ARRAYS, name).split() == ["False", "True"]


WITH_ARRAYS = """
import_module(f"functions.{sys.argv[1]}.handler")
import numpy, pyarrow
pyarrow.array(numpy.zeros(1)), pyarrow.array(["text"])
print("pandas" in sys.modules)
import pandas
print("pandas" in sys.modules)
"""


@pytest.mark.parametrize("name", FUNCTION_NAMES)
def test_a_cold_start_compiles_nothing_and_needs_no_templates(start: Start, name: str) -> None:
    started = start(name)
    assert {path for path in started.compiled if path.endswith((".py", ".html"))} == set()
    assert "jinja2" not in started.packages


RENDERED = """
compiled = []
sys.addaudithook(lambda event, arguments: compiled.append(str(arguments[1])) if event == "compile" else None)
from shared.pages.rendering import template
page = import_module(f"functions.{sys.argv[1]}.page")
for name in (page.TEMPLATE.name, "base.html", "copy.html"):
    template(page.TEMPLATE).environment.get_template(name)
print([name for name in compiled if name.endswith((".html", "<template>"))])
"""


@pytest.mark.parametrize("name", ["report_load", "report_backfill"])
def test_a_deployed_page_loads_compiled_templates(functions: Functions, name: str) -> None:
    assert functions.run(name, RENDERED, name).split() == ["[]"]


CLIENTS = """
import os
listed = []
sys.addaudithook(lambda event, arguments: listed.append(str(arguments[0])) if event == "os.listdir" else None)
os.environ.update(AWS_DEFAULT_REGION="sa-east-1", AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret")
from shared import aws_clients
import botocore
aws_clients.dynamodb_resource(), aws_clients.secrets_provider()
aws_clients.s3_client(), aws_clients.step_functions_client()
data = os.path.join(os.path.dirname(botocore.__file__), "data")
services = {os.path.relpath(path, data).partition("/")[0] for path in listed if path.startswith(data + "/")}
print(*sorted(services))
"""


def test_the_first_clients_look_only_for_their_own_services(functions: Functions) -> None:
    listed = functions.run("check_health", CLIENTS, "").split()
    assert listed == ["dynamodb", "s3", "secretsmanager", "stepfunctions"]


RESTORED = """
import random
import_module(f"functions.{sys.argv[1]}.handler")
from awslambdaric.lambda_runtime_hooks_runner import run_after_restore
from shared import aws_clients
snapshot = random.getstate()
run_after_restore()
clients = [value for value in vars(aws_clients).values() if hasattr(value, "cache_info")]
print(random.getstate() != snapshot, len(clients), sum(client.cache_info().currsize for client in clients))
"""


@pytest.mark.parametrize("name", FUNCTION_NAMES)
def test_a_snapshot_has_no_connection_and_no_random_state_that_environments_share(
    functions: Functions, start: Start, name: str
) -> None:
    assert start(name).connected == set()
    assert functions.run(name, RESTORED, name).split() == ["True", "4", "0"]


def test_nothing_comes_from_this_environment(functions: Functions, start: Start) -> None:
    assert "aws_cdk" not in start("check_health").packages
    assert str(ROOT) not in functions.path("check_health")
    assert sys.prefix not in "".join(functions.path("check_health"))


def test_sizes_are_documented() -> None:
    page = (ROOT / "docs" / "sizes.md").read_text()
    assert all(f"| {name} |" in page for name in FUNCTION_NAMES)
