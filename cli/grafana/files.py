"""The files in docs/grafana, which `make dashboards` writes from the shipped declarations."""

from pathlib import Path

from cli.grafana.datasets import dataset_dashboard
from cli.grafana.metrics import metrics_dashboard
from shared.datasets import SHIPPED_DATASETS

FOLDER = Path(__file__).parents[2] / "docs" / "grafana"


def dashboard_files() -> dict[str, str]:
    """Return the content of each file, by its name."""
    by_dataset = {f"{name}.json": dataset_dashboard(dataset).to_json() for name, dataset in SHIPPED_DATASETS.items()}
    return {**by_dataset, "metrics.json": metrics_dashboard().to_json()}


def write_files(folder: Path) -> None:
    """Write all files, and remove those of datasets that are no longer declared."""
    files = dashboard_files()
    for path in folder.glob("*.json"):
        if path.name not in files:
            path.unlink()
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    write_files(FOLDER)
