"""Datasets that a test declares in a file of its own, as a user does."""

from pathlib import Path

import pytest

from shared.datasets import DATASETS


def declare_datasets(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    """Declare datasets next to those of ONS, until the test ends."""
    (folder / "datasets.toml").write_text(text)
    len(DATASETS)  # so that the datasets are read before their cache is replaced
    monkeypatch.setenv("LOADER_DATASETS", str(folder / "datasets.toml"))
    monkeypatch.delitem(vars(DATASETS), "_datasets")
