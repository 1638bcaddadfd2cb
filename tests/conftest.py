"""Settings of all tests, and their distribution over two processes."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Hypothesis fails an example that takes longer than 200 ms, which on a busy machine says nothing about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

TESTS = Path(__file__).parent

# The tests, and the deployments that they make, see only the datasets that the project ships.
os.environ["LOADER_DATASETS"] = str(TESTS / "no-datasets.toml")


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests that share something expensive in one process, and start with those that take longest.

    The tests of the deployed app share one deployment, the other integration tests one emulator, and the
    infrastructure tests one synthesis. xdist gives the next group to the process that is free.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: _group(item) != "deployed")


def _group(item: pytest.Item) -> str:
    folder = item.path.relative_to(TESTS).parts[0]
    return "deployed" if "app" in getattr(item, "fixturenames", ()) else folder
