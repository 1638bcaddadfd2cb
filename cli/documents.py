"""The documents that messages name."""

from pathlib import Path

ROOT = Path(__file__).parents[1]


def document(name: str) -> str:
    """Return where a page of `docs/` is: in the repository, or in an installed wheel, where no folder is the root.

    >>> document("deploy.md")
    'docs/deploy.md'
    """
    return str(ROOT / "docs" / name) if ROOT.name == "site-packages" else f"docs/{name}"
