"""The files in docs/grafana are those that `make dashboards` writes."""

from pathlib import Path

from cli.grafana.files import FOLDER, dashboard_files, write_files
from shared.datasets import SHIPPED_DATASETS


def test_the_files_are_up_to_date() -> None:
    stored = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert stored == dashboard_files(), "run `make dashboards`"
    assert set(stored) == {*(f"{name}.json" for name in SHIPPED_DATASETS), "metrics.json"}


def test_the_file_of_a_dataset_that_is_gone_is_removed(tmp_path: Path) -> None:
    (tmp_path / "former.json").write_text("{}")
    write_files(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(dashboard_files())
