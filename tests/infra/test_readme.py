"""What the README says and the code knows too."""

import re
from pathlib import Path

from cli.app import app as loader
from shared.datasets import DATASETS
from shared.settings import (
    conversion_settings,
    delivery_settings,
    influx_settings,
    lease_seconds,
    ledger_table,
    work_bucket,
)
from state_machine.definition import definition
from state_machine.diagram import mermaid
from tests.support.contract import METRICS

README = (Path(__file__).parents[2] / "README.md").read_text()


class Asked(dict[str, str]):
    """An environment that notes which variables were asked for."""

    def __init__(self) -> None:
        super().__init__({"INFLUXDB_URL": "u", "INFLUXDB_ORG": "o", "INFLUXDB_BUCKET": "b", "WORK_BUCKET": "w"})
        self["LEDGER_TABLE"] = "l"
        self["INFLUXDB_TOKEN"] = "t"
        self.names: set[str] = set()

    def get(self, name: str, default: str | None = None) -> str:  # type: ignore[override]
        self.names.add(name)
        return str(super().get(name, default))


def test_the_diagram_is_drawn_from_the_definition_of_today() -> None:
    assert f"```mermaid\n{mermaid(definition())}```" in README, "python -m state_machine.diagram draws it"


def test_the_table_of_datasets_is_the_declarations() -> None:
    for dataset in DATASETS.values():
        tags, optional = ", ".join(dataset.required_tags), ", ".join(dataset.optional_tags)
        row = f"| `dataset={dataset.name}` | `{dataset.measurement}` | {tags} | {optional} |"
        assert f"{row} {', '.join(dataset.field_names)} |" in README
    assert len(re.findall(r"^\| `dataset=", README, re.MULTILINE)) == len(DATASETS)


def test_the_table_of_variables_is_what_the_settings_read() -> None:
    asked = Asked()
    for read in (influx_settings, delivery_settings, conversion_settings, work_bucket, ledger_table, lease_seconds):
        read(asked)
    table = README.split("| variable |")[1].split("\n\n")[0]
    assert set(re.findall(r"`([A-Z]+_[A-Z_]+)`", table)) == asked.names


def test_every_metric_is_named() -> None:
    assert {name for name in METRICS if f"`{name}`" in README} == METRICS


def test_the_tree_is_described_as_it_is() -> None:
    folders = {folder.strip("/") for folder in re.findall(r"`(\w+/)`", README.split("| folder |")[1].split("\n\n")[0])}
    here = {path.parent.name for path in Path(__file__).parents[2].glob("*/__init__.py")} | {"docs"}
    assert folders == here


def test_the_table_of_commands_is_what_loader_offers() -> None:
    table = README.split("| command |")[1].split("\n\n")[0]
    offered = [command.callback.__name__ for command in loader.registered_commands if command.callback]
    assert sorted(re.findall(r"^\| `loader (\w+)`", table, re.MULTILINE)) == sorted(offered)


def test_the_picture_of_the_report_is_small() -> None:
    assert (Path(__file__).parents[2] / "docs/report.png").stat().st_size < 300_000
