"""Only DeletePoints can delete points: no other function has the code, although each token that may write could."""

import re
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from benchmarks.cold_start import PYTHON
from functions.delete_points.lock import MAX_INVOCATION
from infra_cdk.archives import ROOT
from infra_cdk.function_sizes import SIZES
from infra_cdk.layers import build_code

CALL = re.compile(
    rb"delete_service|DeleteService|delete_api|DeleteApi|post_delete|api/v2/delete|DELETE\s+FROM|DROP\s+(?:SERIES|MEASUREMENT)"
)
"""What a module needs in order to delete points: a class of the client, the address, or a statement of InfluxQL."""


def modules(*packages: str) -> Iterator[Path]:
    for package in packages:
        yield from sorted((ROOT / package).rglob("*.py"))


def test_only_one_module_has_the_call() -> None:
    with_call = [
        module
        for module in modules("functions", "shared", "cli", "state_machine", "infra_cdk")
        if CALL.search(module.read_bytes())
    ]
    assert with_call == [ROOT / "functions" / "delete_points" / "deletes.py"]


def test_no_package_imports_the_function_that_deletes() -> None:
    importing = re.compile(r"^\s*(?:from|import) functions\.delete_points", re.MULTILINE)
    others = [module for module in modules("functions", "shared", "cli") if "delete_points" not in module.parts]
    assert others
    assert [module for module in others if importing.search(module.read_text())] == []


@pytest.mark.parametrize("deletes", [True, False])
def test_the_call_is_in_the_package_of_that_function_only(deletes: object) -> None:
    with ZipFile(build_code(PYTHON, deletes=bool(deletes))) as archive:
        names = [name for name in archive.namelist() if name.endswith(".py")]
        with_call = [name for name in names if CALL.search(archive.read(name))]
        folders = {name.split("/")[1] for name in names if name.count("/") > 1}
    assert with_call == (["functions/delete_points/deletes.py"] if deletes else [])
    assert (folders == {"delete_points"}) is bool(deletes)


def test_a_killed_call_keeps_the_lock_for_as_long_as_the_function_may_run() -> None:
    assert SIZES["delete_points"].timeout_s == MAX_INVOCATION.total_seconds()
