"""Links and paths in the documents lead somewhere."""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
FOLDERS = "|".join(path.parent.name for path in sorted(ROOT.glob("*/__init__.py")))


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, built as GitHub builds them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)(.+?)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_path_exists(page: Path) -> None:
    paths = re.findall(rf"`((?:{FOLDERS}|docs)/[\w./*-]*)`", page.read_text())
    assert [path for path in paths if not list(ROOT.glob(path.rstrip("/")))] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_module_and_function_that_a_command_uses_exists(page: Path) -> None:
    for module in re.findall(r"python -m ([\w.]+)", page.read_text()):
        assert find_spec(module), module
    for module, function in re.findall(rf"from ((?:{FOLDERS})[\w.]*) import (\w+)", page.read_text()):
        assert hasattr(import_module(module), function), f"{module}.{function}"


def test_the_outputs_to_refresh_are_delimited() -> None:
    for page in PAGES:
        marks = re.findall(r"^<!-- (output: .+|end of output) -->$", page.read_text(), re.MULTILINE)
        assert [mark.partition(":")[0] for mark in marks] == ["output", "end of output"] * (len(marks) // 2)
