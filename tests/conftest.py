"""How the tests share two processors."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each folder stays in one process: one deployment, one synthesis a run. The longest begins first."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_folder(item)))
    items.sort(key=lambda item: _folder(item) != "integration")


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]
