"""Settings of all tests, and their distribution over the processes."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader
from hypothesis import settings

from local.influxdb.server import external_target

# Hypothesis fails an example that takes longer than 200 ms, which on a busy machine says nothing about the code.
settings.register_profile("no deadline", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=25)  # `make check` uses it; the default is 100
settings.load_profile("no deadline")

TESTS = Path(__file__).parent

# boto3 parses the models of AWS services once in each session, and moto starts a session for each test, so most of
# the time of a test would go into that. Here, a process parses each model once.
_load_file = JSONFileLoader().load_file


@cache
def _load_file_once(path: str) -> Any:
    return _load_file(path)


JSONFileLoader.load_file = lambda _, path: _load_file_once(path)  # type: ignore[assignment, method-assign]

# The tests, and the deployments that they make, see only the datasets that the project ships.
os.environ["LOADER_DATASETS"] = str(TESTS / "no-datasets.toml")

# A console keeps the size that these name when its module is imported, whatever a test sets afterwards.
for variable in ("COLUMNS", "LINES"):
    os.environ.pop(variable, None)


def pytest_configure(config: pytest.Config) -> None:
    """Sort the modules that a command line names.

    pytest 9.1 enters a folder again if modules of its parent are named between those of the folder, and then does not
    find the fixtures of the folder's conftest.py.
    """
    config.args.sort(key=lambda argument: Path(argument).parts)


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that share something expensive in one process, and start with those that take longest.

    The modules that test the deployed app are divided over two processes, each of which deploys once. They often wait,
    so another process does the rest meanwhile: the other integration tests, which share an emulator, the infrastructure
    tests, which share a synthesis, and the modules that share nothing, of which a free process gets the next one.
    """
    deployed = sorted({item.path for item in items if _needs_app(item)})
    groups = {item.nodeid: _group(item, deployed) for item in items}
    for item in items:
        item.add_marker(pytest.mark.xdist_group(groups[item.nodeid]))
    items.sort(key=lambda item: (*FIRST_GROUPS, groups[item.nodeid]).index(groups[item.nodeid]))


PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
DEPLOYED = [f"deployed {number}" for number in range(min(PROCESSES, 2))]
FIRST_GROUPS = (*DEPLOYED, "integration", "infra")


def _group(item: pytest.Item, deployed: list[Path]) -> str:
    if _needs_app(item):
        # Two deployments would write the same points to one server.
        return DEPLOYED[0 if external_target() else deployed.index(item.path) % len(DEPLOYED)]
    path = item.path.relative_to(TESTS)
    return path.parts[0] if path.parts[0] in FIRST_GROUPS else str(path)


def _needs_app(item: pytest.Item) -> bool:
    return "app" in getattr(item, "fixturenames", ())
