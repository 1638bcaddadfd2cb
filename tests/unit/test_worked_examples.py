"""The worked examples in the docstrings of the conversion are true."""

import doctest
import importlib
import pkgutil

import pytest

from functions import convert_and_chunk, register_load

MODULES = [
    *(
        module.name
        for package in (convert_and_chunk, register_load)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ),
    *(
        f"shared.{name}"
        for name in (
            "deletion.requests",
            "deletion.runs",
            "footprints",
            "ledger",
            "near_misses",
            "plausibility",
            "plausible_times",
            "series_keys",
            "series_limit",
            "thrift",
        )
    ),
]
DENSE_ARRAY_CODE = [
    "chunks",
    "collisions",
    "columns.dictionaries",
    "columns.long_layout",
    "columns.numbers",
    "columns.series",
    "columns.timestamps",
    "line_protocol",
    "pieces",
    "point_order",
    "profile",
    "row_selection",
    "text_table",
    "windows",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_the_results_that_they_show(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", DENSE_ARRAY_CODE)
def test_array_code_has_examples(name: str) -> None:
    module = importlib.import_module(f"{convert_and_chunk.__name__}.{name}")
    assert any(test.examples for test in doctest.DocTestFinder().find(module))
