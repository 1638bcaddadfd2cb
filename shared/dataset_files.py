"""The files that declare datasets."""

import os
from pathlib import Path


def shipped_file() -> Path:
    """Return the file with the datasets of ONS."""
    return Path(__file__).with_name("ons.toml")


def own_file() -> Path:
    """Return the file for a user's own datasets, which need not exist.

    LOADER_DATASETS names it. The default is datasets.toml next to `shared/`, in the repository and in the layer, or in
    the current folder if the `loader` command was installed from its wheel.
    """
    folder = Path(__file__).parents[1]
    folder = Path.cwd() if folder.name == "site-packages" else folder
    return Path(os.environ.get("LOADER_DATASETS") or folder / "datasets.toml")


def declarations_text() -> str:
    """Return the content of both files, in the order in which they are read."""
    files = [shipped_file(), own_file()]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.exists())
