"""The README, docs/architecture.md, docs/settings.md, and CONTRIBUTING.md agree with the code."""

import re
from pathlib import Path

from cli.lazy_commands import COMMANDS
from shared.datasets import DATASETS
from shared.settings import (
    conversion_settings,
    delivery_settings,
    file_rule,
    influx_settings,
    lease_seconds,
    ledger_table,
    log_groups,
    max_rejected_rate,
    max_stale_rate,
    outage_patience_s,
    stack_name,
    stale_pause_s,
    sweep_since,
    work_bucket,
)
from state_machine.definition import definition
from state_machine.diagram import mermaid
from tests.support.contract import METRICS, SWEEP_METRICS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
SETTINGS = (ROOT / "docs" / "settings.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
READERS = ["Try it", "Load files", "Deploy it", "Change it"]
MAX_README_LINES = 250
MAX_GLOSSARY_ENTRIES = 40


class RecordingEnvironment(dict[str, str]):
    """An environment that records the names of the variables that are read."""

    def __init__(self) -> None:
        super().__init__({"INFLUXDB_URL": "u", "INFLUXDB_ORG": "o", "INFLUXDB_BUCKET": "b", "WORK_BUCKET": "w"})
        self["LEDGER_TABLE"] = "l"
        self["INFLUXDB_TOKEN"] = "t"
        self.names: set[str] = set()

    def get(self, name: str, default: str | None = None) -> str:  # type: ignore[override]
        self.names.add(name)
        return str(super().get(name, default))


def first_column(page: str, heading: str) -> list[str]:
    """Return the first cells of the table whose heading begins with `heading`."""
    table = page.split(f"| {heading} |")[1].split("\n\n", maxsplit=1)[0]
    return [row.split("|")[1].strip() for row in table.splitlines()[2:]]


def test_the_readme_is_short_and_serves_its_readers_in_order() -> None:
    assert re.findall(r"^## (.+)$", README, re.MULTILINE) == [*READERS, "License"]
    assert len(README.splitlines()) <= MAX_README_LINES


def test_the_readme_opens_with_one_paragraph_and_the_two_commands() -> None:
    title, paragraph, commands = README.split("\n\n")[:3]
    assert title.startswith("# ")
    assert not paragraph.startswith(("#", "|", "```"))
    assert [line.split("  ")[0] for line in commands.splitlines()] == ["```sh", "make demo", "make test", "```"]


def test_the_diagram_is_drawn_from_the_definition_of_today() -> None:
    assert f"```mermaid\n{mermaid(definition())}```" in ARCHITECTURE, "python -m state_machine.diagram draws it"


def test_the_table_of_datasets_is_the_declarations() -> None:
    for dataset in DATASETS.values():
        tags, optional = ", ".join(dataset.required_tags), ", ".join(dataset.optional_tags)
        row = f"| `dataset={dataset.name}` | `{dataset.measurement}` | {tags} | {optional} |"
        assert f"{row} {', '.join(dataset.field_names)} |" in README
    assert len(re.findall(r"^\| `dataset=", README, re.MULTILINE)) == len(DATASETS)


def test_the_table_of_variables_is_what_the_settings_read() -> None:
    environment = RecordingEnvironment()
    for read in (
        influx_settings,
        delivery_settings,
        conversion_settings,
        file_rule,
        work_bucket,
        ledger_table,
        lease_seconds,
        outage_patience_s,
        max_stale_rate,
        stale_pause_s,
        max_rejected_rate,
        stack_name,
        log_groups,
        sweep_since,
    ):
        read(environment)
    cells = " ".join(first_column(SETTINGS, "variable"))
    assert set(re.findall(r"`([A-Z]+_[A-Z_]+)`", cells)) == environment.names


def test_the_table_of_metrics_is_what_loads_emit() -> None:
    assert sorted(cell.strip("`") for cell in first_column(SETTINGS, "metric")) == sorted(METRICS)
    assert sorted(cell.strip("`") for cell in first_column(SETTINGS, "metric for alarms")) == sorted(SWEEP_METRICS)


def test_the_tree_is_described_as_it_is() -> None:
    folders = [cell.strip("`/") for cell in first_column(CONTRIBUTING, "folder")]
    assert sorted(folders) == sorted([*(path.parent.name for path in ROOT.glob("*/__init__.py")), "docs"])


def test_every_function_is_named_in_the_tree() -> None:
    row = next(line for line in CONTRIBUTING.splitlines() if line.startswith("| `functions/`"))
    functions = {path.parent.name for path in ROOT.glob("functions/*/handler.py")}
    assert set(re.findall(r"`(\w+)`", row)) == functions


def test_the_table_of_commands_is_what_loader_offers() -> None:
    assert sorted(first_column(README, "command")) == sorted(f"`loader {name}`" for name in COMMANDS)


def test_the_glossary_is_short_and_in_alphabetical_order() -> None:
    words = first_column(CONTRIBUTING, "word")
    assert 0 < len(words) <= MAX_GLOSSARY_ENTRIES
    assert words == sorted(words, key=str.lower)


def test_the_picture_of_the_report_is_small() -> None:
    assert (ROOT / "docs/report.png").stat().st_size < 300_000
