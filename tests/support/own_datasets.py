"""Datasets that a test declares in a file of its own, as a user does."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.datasets import DATASETS
from tests.support.deployed_app import DeployedApp


def declare_datasets(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    """Declare datasets next to those of ONS, until the test ends."""
    (folder / "datasets.toml").write_text(text)
    len(DATASETS)  # so that the datasets are read before their cache is replaced
    monkeypatch.setenv("LOADER_DATASETS", str(folder / "datasets.toml"))
    monkeypatch.delitem(vars(DATASETS), "_datasets")


@contextmanager
def own_measurement(app: DeployedApp, folder: Path, name: str, *others: str, **variables: str) -> Iterator[None]:
    """Declare a dataset like generation with a measurement of the same name, for the app and for commands.

    `others` are further datasets with this measurement.

    A deletion waits until loads of its measurement that failed can no longer be writing, for minutes, and deletes
    nothing if a field has several types. Other tests leave both in the measurement of generation.
    """
    declarations = "".join(
        f"""
[{dataset}]
measurement = "{name}"
required_tags = ["region", "energy_source", "measurement_type"]
optional_tags = ["quality_flag", "plant_name", "operator"]
fields = [{{ name = "power_mw", unit = "MW" }}, {{ name = "efficiency", unit = "ratio" }}]
"""
        for dataset in (name, *others)
    )
    with pytest.MonkeyPatch.context() as monkeypatch:
        declare_datasets(monkeypatch, folder, declarations)
        with app.configured(LOADER_DATASETS=str(folder / "datasets.toml"), **variables):
            yield
